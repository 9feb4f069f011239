"""Where a setting comes from, and what a wrong one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engines.memory import GROWTH
from server.chain import Candidate
from server.settings import (
    SECRETS,
    Account,
    Loaded,
    Misconfigured,
    Settings,
    check,
    is_loopback,
    is_secret,
    keys,
    loaded,
    shown,
    value_of,
)
from streaming.providers.built import NAMES, base_url_variable, key_variables
from streaming.state import TURNS_KEPT

SECRET = "x" * 32


@pytest.fixture
def course(tmp_path: Path) -> str:
    path = tmp_path / "course.json"
    path.write_text("{}")
    return str(path)


@pytest.fixture
def load(tmp_path: Path, course: str):
    def call(
        flags: dict[str, object] | None = None,
        environ: dict[str, str] | None = None,
        dot_env: str = "",
        toml: str = "",
    ) -> Loaded:
        if dot_env:
            (tmp_path / ".env").write_text(dot_env)
        if toml:
            (tmp_path / "tutorstream.toml").write_text(toml)
        environ = {"TUTORSTREAM_COURSES": course, **(environ or {})}
        return loaded(flags, environ=environ, folder=tmp_path)

    return call


def test_a_nearer_source_wins_and_each_value_names_its_own(load) -> None:
    def port_of(**sources) -> tuple[int, str]:
        settings, origins = load(**sources)
        return settings.port, origins["port"]

    toml = "port = 1\n[provider]\nname = 'ollama'\nmodel = 'm'\n"
    assert port_of() == (8765, "default")
    assert port_of(toml=toml) == (1, "tutorstream.toml")
    assert port_of(dot_env="TUTORSTREAM_PORT=2\n") == (2, ".env TUTORSTREAM_PORT")
    environ = {"TUTORSTREAM_PORT": "3"}
    assert port_of(environ=environ) == (3, "environment TUTORSTREAM_PORT")
    assert port_of(environ=environ, flags={"port": 4, "host": None}) == (4, "flag")
    settings, origins = load()
    assert settings.provider.model == "m"
    assert origins["provider.model"] == "tutorstream.toml"


def test_nesting_lists_and_switches_come_from_text(load, course: str) -> None:
    settings, _ = load(
        environ={
            "TUTORSTREAM_TOKEN__SECRET": SECRET,
            "TUTORSTREAM_COURSES": f"{course}, {course}",
            "TUTORSTREAM_I_KNOW": "True",
            "TUTORSTREAM_IDLE_S": "2.5",
        },
    )
    assert settings.token.secret == SECRET
    assert settings.courses == [course, course]
    assert settings.course_files == [Path(course), Path(course)]
    assert settings.i_know
    assert settings.idle_s == 2.5


def test_dot_env_may_hold_other_programs_words(load) -> None:
    settings, origins = load(
        dot_env="# a comment\n\nexport TUTORSTREAM_HOST='::1'\nDATABASE=x\nOPENAI_API_KEY=\"k\"\n"
    )
    assert settings.host == "::1"
    assert settings.account("openai").api_key == "k"
    assert origins["providers.openai.api_key"] == ".env OPENAI_API_KEY"


OPENAI = {"provider.name": "openai", "provider.model": "m"}


def test_the_usual_names_stand_below_our_own(load) -> None:
    environ = {"OPENAI_API_KEY": "usual", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    settings, _ = load(environ=environ, flags=OPENAI)
    assert settings.account("openai") == Account("usual", "http://127.0.0.1:1/v1")
    ours = {**environ, "TUTORSTREAM_PROVIDERS__OPENAI__API_KEY": "ours"}
    assert load(environ=ours, flags=OPENAI).settings.account("openai").api_key == "ours"
    own = {**ours, "TUTORSTREAM_PROVIDER__API_KEY": "own"}
    settings, origins = load(environ=own, flags=OPENAI)
    assert settings.account("openai").api_key == "own"  # the short form is nearest
    assert origins["providers.openai.api_key"].endswith("TUTORSTREAM_PROVIDERS__OPENAI__API_KEY")


def test_a_key_goes_to_its_own_provider_only(load) -> None:
    environ = {"OPENAI_API_KEY": "theirs", "EMERGENT_LLM_KEY": "ours"}
    environ["INTEGRATION_PROXY_URL"] = "http://127.0.0.1:9"
    flags = {"provider.name": "emergent", "provider.model": "m"}
    settings, origins = load(environ=environ, flags=flags)
    assert settings.account("emergent") == Account("ours", "http://127.0.0.1:9/llm")
    assert origins["providers.emergent.api_key"] == "environment EMERGENT_LLM_KEY"
    short = {**environ, "TUTORSTREAM_PROVIDER__API_KEY": "short"}
    settings, _ = load(environ=short, flags=flags)
    assert settings.account("emergent").api_key == "short"
    assert settings.account("openai").api_key == "theirs"
    local = {"provider.name": "ollama", "provider.model": "m"}
    settings, _ = load(environ=environ, flags=local)
    assert settings.account("ollama") == Account()
    assert settings.account("groq") == Account()


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("groq", "GROQ_API_KEY"),
        ("gemini", "GOOGLE_API_KEY"),
        ("gemini", "GEMINI_API_KEY"),
        ("gemini_legacy", "GEMINI_API_KEY"),
        ("emergent", "EMERGENT_LLM_KEY"),
        ("openrouter", "OPENROUTER_API_KEY"),
    ],
)
def test_each_provider_has_its_usual_variable_or_a_file_of_it(
    load, tmp_path: Path, name: str, variable: str
) -> None:
    path = tmp_path / "key"
    path.write_text("filed\n")
    assert load(environ={variable: "k"}).settings.account(name).api_key == "k"
    filed, origins = load(environ={f"{variable}_FILE": str(path)})
    assert filed.account(name).api_key == "filed"
    assert origins[f"providers.{name}.api_key"] == f"environment {variable}_FILE"
    with pytest.raises(Misconfigured, match=f"{variable}_FILE: cannot read"):
        load(environ={f"{variable}_FILE": str(tmp_path / "none")})


def test_redis_has_a_usual_variable_and_is_never_printed(load) -> None:
    settings, origins = load(environ={"REDIS_URL": "redis://:hush@127.0.0.1/0"})
    assert settings.redis.endswith("/0")
    assert origins["redis"] == "environment REDIS_URL"
    assert shown(settings, "redis") == "set"
    with pytest.raises(Misconfigured) as told:
        load(flags={"redis": "http://:hush@127.0.0.1"})
    assert "redis://" in str(told.value)
    assert "hush" not in str(told.value)


CHAIN = """
[router]
chain = ["groq/llama-3.1-8b-instant | openai/gpt-5-mini", "openrouter/qwen/qwen3-8b", "local"]
[providers.groq]
api_key = "g"
[providers.openai]
api_key = "o"
api = "responses"
[providers.openrouter]
base_url = "http://127.0.0.1:1"
[local]
gguf = "model.gguf"
"""


def test_a_chain_has_tiers_and_candidates(
    load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.gguf").write_bytes(b"")
    settings, origins = load(toml=CHAIN)
    assert settings.tiers == [
        [Candidate("groq", "llama-3.1-8b-instant"), Candidate("openai", "gpt-5-mini")],
        [Candidate("openrouter", "qwen/qwen3-8b")],
        [Candidate("local", "")],
    ]
    assert settings.account("openai").api == "responses"
    assert origins["providers.groq.api_key"] == "tutorstream.toml"
    assert {"providers.groq.api_key", "providers.openai.api"} < set(keys(settings))
    assert shown(settings, "providers.groq.api_key") == "set"
    assert shown(settings, "providers.openrouter.api_key") == "unset"
    by_text = {"TUTORSTREAM_ROUTER__CHAIN": "ollama/a | vllm/b, llamacpp/c"}
    settings, _ = load(toml="port = 1", environ=by_text)
    assert [[str(c) for c in tier] for tier in settings.tiers] == [
        ["ollama/a", "vllm/b"],
        ["llamacpp/c"],
    ]


def test_the_short_form_and_the_demonstration_are_chains_of_one(load) -> None:
    assert load().settings.tiers == []
    flags = {"provider.name": "ollama", "provider.model": "m"}
    assert load(flags=flags).settings.tiers == [[Candidate("ollama", "m")]]
    assert load(flags={"local.demo": True}).settings.tiers == [[Candidate("local", "")]]


def test_caps_may_be_none_nought_or_a_number(load) -> None:
    budget = load().settings.budget
    assert (budget.learner_day_tokens, budget.room_day_tokens) == (150_000, 300_000)
    assert budget.tenant_day_usd is None
    environ = {
        "TUTORSTREAM_BUDGET__LEARNER_DAY_TOKENS": "",
        "TUTORSTREAM_BUDGET__TENANT_DAY_TOKENS": "0",
        "TUTORSTREAM_BUDGET__TENANT_DAY_USD": "2.5",
    }
    budget = load(environ=environ).settings.budget
    assert budget.learner_day_tokens is None
    assert budget.tenant_day_tokens == 0
    assert budget.tenant_day_usd == 2.5


def test_a_secret_may_stand_in_a_file_and_is_never_printed(load, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    settings, origins = load(environ={"TUTORSTREAM_TOKEN__SECRET_FILE": str(path)})
    assert settings.token.secret == SECRET
    assert origins["token.secret"] == "environment TUTORSTREAM_TOKEN__SECRET_FILE"
    assert shown(settings, "token.secret") == "set"
    assert shown(settings, "provider.api_key") == "unset"
    assert shown(settings, "port") == 8765
    with pytest.raises(Misconfigured, match="cannot read"):
        load(environ={"TUTORSTREAM_TOKEN__SECRET_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"environ": {"TUTORSTREAM_PROT": "1"}}, "unknown setting TUTORSTREAM_PROT; .*_PORT$"),
        (
            {"environ": {"TUTORSTREAM_TOKEN_SECRET": "1"}},
            "the nearest known one is TUTORSTREAM_TOKEN__SECRET",
        ),
        ({"environ": {"TUTORSTREAM_HOST_FILE": "x"}}, "unknown setting"),
        ({"dot_env": "TUTORSTREAM_STROE=memory:"}, "nearest known one is TUTORSTREAM_STORE"),
        ({"toml": "hots = 'x'"}, "unknown setting tutorstream.toml: hots; .* host$"),
        ({"toml": "[provider]\nmodle = 'x'"}, "nearest known one is provider.model"),
        ({"toml": "port = "}, "tutorstream.toml: cannot be read"),
        ({"dot_env": "a line without sense"}, ".env line 1: expected NAME=value"),
        ({"environ": {"TUTORSTREAM_PORT": "many"}}, r"port \(from environment .*came 'many'"),
        ({"environ": {"TUTORSTREAM_PORT": "70000"}}, "port"),
        ({"toml": "port = 'x'"}, "port .*tutorstream.toml"),
        ({"flags": {"prot": 1}}, "nearest known one is port"),
        ({"environ": {"TUTORSTREAM_LOG_LEVEL": "loud"}}, "log_level"),
        ({"environ": {"TUTORSTREAM_CONFIG": "no-such-file.toml"}}, "does not exist"),
        ({"environ": {"TUTORSTREAM_COURSES": "no-such.json"}}, "no file or folder 'no-such"),
        ({"flags": {"store": "postgres://x"}}, "expected `memory:`, `sqlite:///FILE` or `mongodb:"),
        ({"flags": {"store": "sqlite:///"}}, "expected `memory:`"),
        ({"flags": {"token.secret": "short"}}, "at least 32 bytes"),
        ({"flags": {"host": "0.0.0.0"}}, "--i-know"),
        ({"flags": {"provider.name": "openai"}}, "name the model"),
        ({"flags": {"provider.name": "openai", "provider.model": "m"}}, "OPENAI_API_KEY"),
        ({"flags": {"provider.name": "opneai"}}, "the nearest is 'openai'"),
        ({"toml": "[providers.opneai]\napi_key = 'k'"}, "the nearest is 'openai'"),
        ({"environ": {"TUTORSTREAM_PROVIDERS__GROQ__KEY": "k"}}, "PROVIDERS__NAME__API_KEY"),
        ({"toml": "[providers.NAME]\napi_key = 'k'"}, "unknown provider 'NAME'"),
        ({"toml": "[providers.groq]\napi = 'responses'"}, "only openai has 'responses'"),
        ({"flags": {"router.chain": ["ollama/m"], **OPENAI}}, "both set: provider is the short"),
        ({"flags": {"router.chain": ["ollama/m"], "provider.api_key": "k"}}, "both set"),
        ({"flags": {"router.chain": ["ollama/m | "]}}, "tier 1 is 'ollama/m | '"),
        ({"flags": {"router.chain": ["ollama"]}}, "needs ollama/MODEL in router.chain"),
        ({"flags": {"router.chain": ["builtin"]}}, "always stands last, leave it out"),
        ({"flags": {"router.chain": ["olama/m"]}}, "router.chain: .* nearest is 'ollama'"),
        ({"flags": {"router.chain": ["ollama/m", "ollama/m"]}}, "ollama/m stands there twice"),
        ({"flags": {"router.chain": ["gemini/m"]}}, "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ({"flags": {"router.chain": ["local"]}}, "needs local.gguf"),
        ({"flags": {"local.gguf": "none.gguf"}}, "local.gguf: there is no file 'none.gguf'"),
        ({"flags": {"local.demo": True, "router.chain": ["ollama/m"]}}, "a chain of its own"),
        ({"flags": {"budget.prices": "none.toml"}}, "budget.prices: there is no file"),
        ({"flags": {"budget.tenant_day_usd": -1}}, "budget.tenant_day_usd"),
        ({"flags": {"tenant.providers": ["grok"]}}, "tenant.providers: .* nearest is 'groq'"),
        ({"flags": {"tenant.alert_url": "mailto:x"}}, "tenant.alert_url: .*https://"),
        ({"flags": {"tenant.alert_url": "http://"}}, "tenant.alert_url: .*https://"),
        ({"flags": {"tenant.alert_url": "http://[x"}}, "tenant.alert_url: .*https://"),
        ({"flags": {"redis": "redis://host:port"}}, "redis: .*redis://"),
        ({"flags": {"budget.tenant_day_usd": "inf"}}, "budget.tenant_day_usd .*<= 1000000000"),
        ({"flags": {"context.keep_turns": 13}}, "context.keep_turns .*<= 12"),
        (
            {"flags": {"tutor.mode": "lecture"}},
            "expected one of practice, socratic, .*, came 'lect",
        ),
        (
            {"environ": {"TUTORSTREAM_TUTOR__GUARD": "off"}},
            "expected one of standard, strict, came",
        ),
        ({"flags": {"provider.model": "m"}}, "name the provider too"),
        ({"environ": {"OPENAI_BASE_URL": "notaurl"}}, "providers.openai.base_url: .*https://"),
        ({"flags": {"provider.base_url": "x", **OPENAI}}, "provider.base_url: .*https://"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_fix(load, sources, words: str) -> None:
    with pytest.raises(Misconfigured, match=words) as told:
        load(**sources)
    assert "\n" not in str(told.value)


def test_a_folder_of_courses_is_let_in(load, tmp_path) -> None:
    settings = load(flags={"courses": [str(tmp_path)]}).settings
    assert settings.course_files == [tmp_path]


def test_a_secret_of_the_wrong_type_is_not_printed(load) -> None:
    with pytest.raises(Misconfigured) as told:
        load(toml="[token]\nsecret = ['hush', 'hush']")
    assert "hush" not in str(told.value)


def test_reachable_from_outside_needs_a_secret_or_a_knowing_operator(course: str) -> None:
    base = {"host": "0.0.0.0", "courses": [course]}
    from msgspec import convert

    check(convert({**base, "i_know": True}, Settings))
    check(convert({**base, "token": {"secret": SECRET}}, Settings))
    check(convert({**base, "uds": "/tmp/x.sock"}, Settings))
    assert [is_loopback(h) for h in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(h) for h in ("0.0.0.0", "::", "10.0.0.1", "example.org")] == [False] * 4


def test_the_tutors_window_has_room_to_grow_to_twice_its_least(load) -> None:
    """With less the window would slide, and no provider's cache would hold."""
    most = load(flags={"context.keep_turns": 12}).settings.context.keep_turns
    assert most * GROWTH <= TURNS_KEPT


def test_every_key_has_a_value_and_secrets_are_keys() -> None:
    known = list(keys())
    assert set(known) >= SECRETS
    assert all(is_secret(key) == (key in SECRETS) for key in known)
    assert len(known) == len(set(known))
    for key in known:
        value_of(Settings(), key)


def test_a_configuration_file_may_be_named(tmp_path: Path, course: str) -> None:
    other = tmp_path / "other.toml"
    other.write_text(f"port = 5\ncourses = ['{course}']")
    assert loaded({}, environ={}, folder=tmp_path, config=other).settings.port == 5
    by_name = loaded({}, environ={"TUTORSTREAM_CONFIG": str(other)}, folder=tmp_path)
    assert by_name.settings.port == 5


def test_the_manual_has_one_row_for_each_key_with_its_default() -> None:
    manual = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
    table = manual.read_text().partition("## Models")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (?:`([^`]*)`)? ?\| \S", table, re.M)
    default = Settings()
    assert [key for key, _ in rows] == list(keys())
    for key, told in rows:
        value = value_of(default, key)
        assert told == ("" if value in ("", [], None) else str(value)), key


def test_the_manual_names_each_provider_with_its_variables() -> None:
    manual = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
    table = re.search(r"^\| name \| key .*?\n\n", manual.read_text(), re.M | re.S)
    assert table
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|$", table[0], re.M)
    told = {name: (re.findall(r"`(\w+)`", key), url.strip(" `")) for name, key, url in rows}
    assert told == {n: (list(key_variables(n)), base_url_variable(n)) for n in NAMES}


# --- stores -----------------------------------------------------------------------------------


REDIS = {"redis": "redis://127.0.0.1/0"}


@pytest.mark.parametrize(
    "store",
    [
        "mongodb://127.0.0.1:27017/school",
        "mongodb://h1,h2:27018,[::1]:27019/school?replicaSet=rs0",
        "mongodb+srv://ada:hu%2Fsh@cluster.example/school",
        "mongodb://h",
    ],
)
def test_a_store_may_be_mongodb_beside_redis(load, store: str) -> None:
    settings = load(flags={"store": store, **REDIS}).settings
    assert settings.shared
    assert settings.mongo.wait_ms == 2_000
    with pytest.raises(Misconfigured, match=r"store: .*REDIS_URL or --redis redis://HOST:6379/0"):
        load(flags={"store": store})


@pytest.mark.parametrize(
    "store",
    [
        "mongodb://",
        "mongodb:///school",
        "mongodb://h1,,h2/x",
        "mongodb://ada:hu/sh@h/x",
        "mongodb://h:port/x",
        "mongodb://h/x/y",
        "postgres://ada:hush@h/x",
    ],
)
def test_a_store_s_address_that_does_not_hold_is_not_quoted(load, store: str) -> None:
    with pytest.raises(Misconfigured, match=r"store: expected .*mongodb://") as told:
        load(flags={"store": store, **REDIS})
    assert "hu" not in str(told.value)


@pytest.mark.parametrize(
    ("store", "printed"),
    [
        ("memory:", "memory:"),
        ("sqlite:////data/ada@school.db", "sqlite:////data/ada@school.db"),
        ("mongodb://h1,h2/x", "mongodb://h1,h2/x"),
        ("mongodb://ada:hush@h/x?authSource=hush", "mongodb://***@h/x?***"),
        ("mongodb+srv://ada:hu?sh@h/x", "mongodb+srv://***@h/x"),
        ("mongodb://ada:hush@h/x?appName=hush@y", "mongodb://***@y"),
    ],
)
def test_a_store_is_printed_without_what_is_secret(store: str, printed: str) -> None:
    assert shown(Settings(store=store), "store") == printed


def test_mongodb_has_a_usual_variable_and_may_stand_in_a_file(load, tmp_path: Path) -> None:
    address = "mongodb://ada:hush@h/x"
    environ = {"MONGODB_URI": address, "REDIS_URL": "redis://h/0"}
    settings, origins = load(environ=environ)
    assert (settings.store, origins["store"]) == (address, "environment MONGODB_URI")
    assert load(environ=environ, flags={"store": "memory:"}).settings.store == "memory:"
    path = tmp_path / "store"
    path.write_text(address + "\n")
    filed = load(environ={"TUTORSTREAM_STORE_FILE": str(path), "REDIS_URL": "redis://h/0"})
    assert filed.settings.store == address
