"""Files that mean harm: entities, archives, markup. Nothing is expanded, fetched or let through."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.transfer.archive import MOST_ENTRIES, Archive, BadArchive
from server.transfer.calculated import expression_of, param_names
from server.transfer.csv_in import parts
from server.transfer.gift_in import imported as gift_imported
from server.transfer.hypertext import from_html, from_tree, to_html
from server.transfer.markup import MOST_CHARACTERS
from server.transfer.mathml import latex_of
from server.transfer.qti_in import imported as qti_imported
from server.transfer.tally import NotImported
from server.transfer.trees import MOST_DEPTH, BadXml, tree_of
from tests.server.transfer.ways import HERE

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE quiz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<quiz><question type="&b;"/></quiz>"""
READS = b"""<?xml version="1.0"?>
<!DOCTYPE quiz [<!ENTITY f SYSTEM "file:///etc/passwd">]><quiz>&f;</quiz>"""
ELSEWHERE = b"""<?xml version="1.0"?>
<!DOCTYPE quiz SYSTEM "https://example.org/quiz.dtd"><quiz/>"""


@pytest.mark.parametrize("text", [LAUGHS, READS, ELSEWHERE])
def test_a_document_type_is_refused_with_its_line(text):
    with pytest.raises(BadXml, match="line 2: a document type is not read"):
        tree_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"<a>&undeclared;</a>", "not well-formed"),
        (b"<a></b>", "not well-formed"),
        (b"", "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "not"),
        (b"<a>" * (MOST_DEPTH + 1) + b"</a>" * (MOST_DEPTH + 1), "nested deeper"),
    ],
)
def test_what_is_no_xml_is_told(text, told):
    with pytest.raises(BadXml, match=told):
        tree_of(text)


def archive(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as made:
        for name, body in entries.items():
            made.writestr(zipfile.ZipInfo(name), body, method)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (archive({"../a.xml": b"x"}), "outside"),
        (archive({"/etc/a.xml": b"x"}), "outside"),
        (archive({"c:/a.xml": b"x"}), "outside"),
        (archive({"a.xml": b" " * 1_000_000}), "100 times"),
        (archive({str(n): b"" for n in range(MOST_ENTRIES + 1)}), "at most 10000"),
        (b"PK\x05\x06", "not a zip"),
        (archive({"a.xml": b"abc"})[:-30], "not a zip"),
    ],
)
def test_an_archive_that_means_harm_is_not_opened(data, told):
    with pytest.raises(BadArchive, match=told):
        Archive(data)


def test_links_and_wrong_sizes_are_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    with pytest.raises(BadArchive, match="is a link"):
        Archive(packed.getvalue())
    broken = archive({"a.xml": b"some text"}, method=zipfile.ZIP_STORED).replace(b"some", b"none")
    with pytest.raises(BadArchive, match="cannot be unpacked"):
        Archive(broken).read("a.xml")


def test_a_package_reaches_nothing_outside(tmp_path):
    manifest = (
        b'<manifest><resources><resource type="imsqti_item_xmlv3p0" href="../../etc/passwd"/>'
        b'<resource type="imsqti_item_xmlv3p0" href="https://example.org/a.xml"/>'
        b'<resource type="imsqti_item_xmlv3p0" href="/etc/passwd"/></resources></manifest>'
    )
    path = tmp_path / "p.zip"
    path.write_bytes(archive({"imsmanifest.xml": manifest}))
    assert qti_imported(path).skipped.counts == {"missing-file": 3}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<script>alert(1)</script>b", None),
        ("<iframe src='https://example.org'></iframe>", None),
        ("<form><input></form>", None),
        ("<table><tr><td>1</td></tr></table>", None),
        ("<svg onload='x'></svg>", None),
        ("<p onclick='x'>a &amp; <b>b</b></p>", "a & **b**"),
        ("<style>p {}</style><p>a</p>", "a"),
        ("x < y and y<z", "x < y and y<z"),
        ("<foo>bar</foo> <b>b</b>", "<foo>bar **b**"),
        ("<a href='javascript:x'>a</a> <a href='https://example.org'>b</a>", "a b (https://example.org)"),
        ("H<sub>2</sub>O, x<sup>a+1</sup>, 10<sup>-3</sup>", "H₂O, x$^{a+1}$, 10⁻³"),
        ("<ol><li>a<li>b</ol><p>c", "1. a\n2. b\n\nc"),
        ("<p>a<br>b<br/>c</p>", "a\nb\nc"),
        ("<b>one<br>two</b>", "**one**\n**two**"),
        ("<b>a*b</b> 2*3*4", "a∗b 2∗3*4"),
        ("<pre>a = 1\n\nb = 2</pre>", "`a = 1`\n\n`b = 2`"),
        ("[see](file.html) ![x](y)", "[see] (file.html) ![x] (y)"),
        (r"\(a_1\), $$b$$ and \[c\] for $5, @{x}", r"$a_1$, $b$ and $$c$$ for \$5, @@{x}"),
        (r"<p>$$x^2$$</p>", "$$x^2$$"),
        (r"\(\text{$5 @{a}}\)", r"$\text{\$5 @@{a}}$"),
        ("&lt;b&gt; &copy; &#65; &nosuch;", "<b> © A &nosuch;"),
        ("\ue000private\ue001", "private"),
        ("<b>" * 400 + "x", "x"),
    ],
)  # fmt: skip
def test_html_is_reduced_by_a_whitelist(source, text):
    if text is None:
        with pytest.raises(NotImported):
            from_html(source)
    else:
        assert from_html(source) == text


def test_long_texts_are_refused_and_open_formulas_are_words():
    many = r"\( $$ \[ " * 1_500
    assert from_html(many).count(r"\(") == 1_500
    with pytest.raises(NotImported, match="too-long"):
        from_html("a" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("inside", "latex"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>−</mo><msqrt><mn>5</mn></msqrt>", r"x^{2}-\sqrt{5}"),
        ("<mroot><mn>8</mn><mn>3</mn></mroot><mo>≤</mo>", r"\sqrt[3]{8}\le"),
        ("<mi>sin</mi><mi>π</mi><mi>ab</mi>", r"\sin \pi \mathrm{ab}"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", r"\left(a,b\right)"),
        ("<msub><mi>x</mi><mn>1</mn></msub>", "x_{1}"),
        ("<mi>x</mi><annotation encoding='application/x-tex'>\\xi</annotation>", r"\xi"),
        ("<mtable/>", None),
        ("<mfrac><mn>1</mn></mfrac>", None),
    ],
)  # fmt: skip
def test_mathml_becomes_latex(inside, latex):
    tree = tree_of(f"<math>{inside}</math>".encode())
    if latex is None:
        with pytest.raises(NotImported, match="mathml"):
            latex_of(tree)
    else:
        assert latex_of(tree) == latex


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="ab<>/&;\\$(){}[]*_`@ \n=~#:%-.1é", max_size=60))
def test_no_text_raises_anything_but_a_reason(text):
    with suppress(NotImported):
        from_html(text)
    with suppress(NotImported):
        expression_of(text, {"a": "a"})
    with suppress(NotImported):
        param_names({text: 0})
    assert all(parts(text))


def test_gift_that_begins_anywhere_is_counted(tmp_path):
    whole = (HERE / "questions.gift").read_text(encoding="utf-8")
    path = tmp_path / "a.gift"
    for cut in range(0, len(whole), 97):
        path.write_text(whole[cut:], encoding="utf-8")
        draft = gift_imported(path)
        assert draft.questions == draft.count + sum(draft.skipped.counts.values())


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab <&>$\\*`-1.\n", max_size=40))
def test_printed_texts_are_well_formed_xhtml(text):
    from_tree(tree_of(f"<p>{to_html(text)}</p>".encode()))


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    path = Path(tmp_path / "a.gift")
    path.write_text("1{#1}", encoding="utf-8")
    monkeypatch.setattr("server.transfer.source.FILE_BYTES", 4)
    with pytest.raises(ValueError, match="5 bytes, at most 4 are read; split it"):
        gift_imported(path)
