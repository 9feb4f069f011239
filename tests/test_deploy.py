"""What stands in deploy/ holds together: it parses, and it names only what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from protocol.limits import LIMITS
from server.settings import SECRETS, keys

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
TEMPLATES = sorted((CHART / "templates").glob("*"))
PREFIX = "TUTORSTREAM_"
ENDED_S = 15
"""Beyond the drain: time to say goodbye."""


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def known(variable: str) -> bool:
    """Whether a variable of ours sets something, as the server would read it."""
    key = variable.removeprefix(PREFIX).lower().replace("__", ".")
    return key in keys() or (key.removesuffix("_file") in SECRETS and key.endswith("_file"))


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bTUTORSTREAM_[A-Z_]+\b", text))


@pytest.mark.parametrize(
    "path",
    [DEPLOY / "Containerfile", DEPLOY / "compose.yaml", CHART / "values.yaml", *TEMPLATES],
    ids=lambda path: path.name,
)
def test_each_variable_is_a_setting(path: Path) -> None:
    assert not [name for name in variables(path.read_text()) if not known(name)]


def test_a_wrong_variable_would_be_seen() -> None:
    assert known("TUTORSTREAM_TOKEN__SECRET_FILE")
    assert not known("TUTORSTREAM_TOKEN_SECRET")
    assert not known("TUTORSTREAM_HOST_FILE")


# --- compose --------------------------------------------------------------------------------------


def test_compose_runs_two_equal_nodes_that_may_drain() -> None:
    compose = read(DEPLOY / "compose.yaml")
    services = compose["services"]
    assert set(services) == {"balancer", "node1", "node2", "redis", "mongo"}
    node = services["node1"]
    assert node == services["node2"]
    assert node["read_only"] is True
    assert node["user"] == "10001:10001"
    assert int(node["stop_grace_period"].removesuffix("s")) >= LIMITS.drain_s + ENDED_S
    assert "/readyz" in " ".join(node["healthcheck"]["test"])
    assert any(entry.startswith("/tmp") for entry in node["tmpfs"])
    environment = node["environment"]
    assert environment["TUTORSTREAM_STORE"].startswith("mongodb://mongo:")
    assert environment["TUTORSTREAM_REDIS"].startswith("redis://redis:")
    for secret in node["secrets"]:
        assert f"/run/secrets/{secret}" in environment.values()
        assert secret in compose["secrets"]
    used = {mount.split(":")[0] for s in services.values() for mount in s.get("volumes", ())}
    assert {name for name in used if not name.startswith(".")} == set(compose["volumes"])
    for name in used - set(compose["volumes"]):
        assert (DEPLOY / name).is_file(), name


def test_the_balancer_asks_each_node_whether_it_is_ready() -> None:
    config = (DEPLOY / "haproxy.cfg").read_text()
    services = read(DEPLOY / "compose.yaml")["services"]
    nodes = re.findall(r"^\s+server (\S+) (\S+):(\d+)$", config, re.M)
    assert {host for _, host, _ in nodes} == {name for name in services if name.startswith("node")}
    image = (DEPLOY / "Containerfile").read_text()
    assert {port for _, _, port in nodes} == set(re.findall(r"^EXPOSE (\d+)$", image, re.M))
    assert config.count("httpchk GET /readyz") == config.count("\nbackend ") == 2
    bound = re.findall(r"^\s+bind :(\d+)$", config, re.M)
    assert [ports.split(":")[1] for ports in services["balancer"]["ports"]] == bound


def test_what_the_image_copies_exists_and_it_runs_as_nobody_special() -> None:
    image = (DEPLOY / "Containerfile").read_text()
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.M)
    named = [name for line in lines for name in line.split()]
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]
    rooms = {name.rstrip("/") for name in named if name.endswith("/")}
    packages = re.search(r"^packages = (\[.+\])$", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages
    assert set(re.findall(r'"(\w+)"', packages[1])) <= rooms, "a room is not in the image"
    assert re.findall(r"^USER (.+)$", image, re.M) == ["10001:10001"]
    extras = re.search(r"tutorstream\[([\w,-]+)\]", image)
    offered = re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(), re.M)
    assert extras
    assert set(extras[1].split(",")) <= set(offered)


# --- the chart ------------------------------------------------------------------------------------

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.S)


def actions(path: Path) -> list[str]:
    """What stands between braces in a template."""
    return ACTION.findall(path.read_text())


def valued(values: dict[str, Any], dotted: str) -> bool:
    """Whether a value is there."""
    place: Any = values
    for part in dotted.split("."):
        if not isinstance(place, dict) or part not in place:
            return False
        place = place[part]
    return True


def plain(text: str) -> str:
    """A template as YAML: what is alone on its line is left out, all else is a word."""
    lines = [line for line in text.splitlines() if not re.fullmatch(r"\s*\{\{.*\}\}\s*", line)]
    return ACTION.sub("word", "\n".join(lines))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_each_value_that_a_template_takes_is_given(path: Path) -> None:
    values = read(CHART / "values.yaml")
    named = re.findall(r"\.Values\.([\w.]+)", "\n".join(actions(path)))
    assert not [name for name in named if not valued(values, name)]


def test_each_value_is_taken_by_a_template() -> None:
    text = "\n".join(action for path in TEMPLATES for action in actions(path))
    for key, value in read(CHART / "values.yaml").items():
        names = [f"{key}.{name}" for name in value] if isinstance(value, dict) else []
        whole = re.search(rf"\.Values\.{key}\b(?!\.)", text)
        lacking = [name for name in names if f".Values.{name}" not in text]
        assert whole or (names and not lacking), (key, lacking)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_closes_what_it_opens_and_calls_what_is_defined(path: Path) -> None:
    words = [action.split()[0] for action in actions(path) if not action.startswith("/*")]
    opened = sum(word in ("if", "range", "with", "define") for word in words)
    assert opened == words.count("end")
    defined = set(
        re.findall(r'define "([\w.]+)"', (CHART / "templates" / "_names.tpl").read_text())
    )
    assert set(re.findall(r'include "([\w.]+)"', path.read_text())) <= defined


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.suffix == ".yaml"], ids=lambda path: path.name
)
def test_a_template_is_yaml_of_one_kind(path: Path) -> None:
    found = YAML(typ="safe").load(plain(path.read_text()))
    assert found["kind"].lower() == path.stem
    assert found["apiVersion"]


def test_the_chart_lets_a_node_drain() -> None:
    values = read(CHART / "values.yaml")
    grace_s = values["terminationGracePeriodSeconds"]
    assert grace_s >= values["preStopSeconds"] + LIMITS.drain_s + 10
    assert values["podDisruptionBudget"]["minAvailable"] < values["replicas"]
    pod = YAML(typ="safe").load(plain((CHART / "templates" / "deployment.yaml").read_text()))
    container = pod["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


if shutil.which("helm"):  # beyond the checks above, where it is there

    def test_helm_renders_the_chart() -> None:
        given = "secret.tokenSecret=x,secret.redis=redis://r,secret.store=mongodb://m/t"
        command = ["helm", "template", "t", str(CHART), "--set", given]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        kinds = [one["kind"] for one in YAML(typ="safe").load_all(done.stdout) if one]
        assert set(kinds) == {"Deployment", "Service", "Secret", "PodDisruptionBudget"}
