"""Strategies: what a broken, or a hostile, producer sends."""

from __future__ import annotations

import json
import string

from hypothesis import strategies as st

FIELDS = ("id", "url", "source", "title", "text", "published_at", "language", "metadata", "extra")

# --- texts ------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(
    "Anna Rossi|NATO|U.S.|Kyiv|Україна|Зеленський|Volodymyr Zelensky|Banca d'Italia|(ONU)|l'on. Bianchi|"
    "İstanbul|Straße|ΟΗΕ|قطر|東京|MARIO ROSSI|O'Neill|Jean-Claude|Li|Yahoo!|'s|di|Ministero di|Cremlino|White House".split("|")
)
_EVENTS = st.sampled_from(
    "attacked|ha accusato|will send troops to|did not sign|in 1943|met|атакував|обстріляли|wird liefern|if it had bombed|"
    "threatened to|sanctions against|said that|, |.|;|. |. . .|\u2026".split("|")
)
_CONTROLS = st.sampled_from(list("\u202e\u2066\u2069\u200f\u061c\u200b\u200d\ufeff\x00\x01\x02\x1c\x85\u2028\r\v"))
_ODD = st.sampled_from(
    ["\u0301" * 40, "e\u0301\u0316", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1fa\U0001f1e6",
     "\U0001f3f4\U000e0067\U000e007f", "\U0001d54b", "\U00010400", "\ud800", "\udc00", "\udc00\ud800",
     "ﬁ", "ǅ", "ß", "İ", "ı", "ſ", "\uf8ff", "\uffff", "\U0010ffff", "क्ष", "한"]
)  # fmt: skip
_SOUP = st.sampled_from(
    "<p>|</p>|<div class='related'>|</div>|<b|<br/>|<article>|</article>|<script>if(a<b)|</script>|<!--|-->|<![CDATA[|<a href='>|"
    '">|<table>|<td>|<font color=1>|<select>|<option>|<svg>|<math>|<title>|<plaintext>|<template>|&amp;lt;p&amp;gt;|'
    '&nbsp;|&#0;|&#x26;|&#xD800;|&notit;|<p a=1 a=1>|</|<>|<?xml|<!DOCTYPE html [<!ENTITY a "&a;">]>|<p hidden>|<3| < '.split("|")
)
_URLS = st.sampled_from(
    [
        "http://",
        "http://[",
        "https://a b/",
        "javascript:alert(1)",
        "www.",
        "a@b",
        "http://\u0430.\u0440\u0444/\u202e",
        "file:///etc",
        "x" * 300,
        "://",
    ]
)
_SPACE = st.sampled_from([" ", " ", " ", "\n", "\n\n", "\t", "\u00a0", "\u3000", ""])
_PIECE = st.one_of(
    _NAMES, _EVENTS, _CONTROLS, _ODD, _SOUP, _URLS, _SPACE, st.text(max_size=6), st.text(string.punctuation, max_size=6)
)

_MIXED = st.lists(_PIECE, max_size=40).map("".join)
_SPACED = st.lists(st.one_of(_NAMES, _EVENTS, _ODD), max_size=60).map(" ".join)
_REPEATED = st.tuples(st.lists(_PIECE, min_size=1, max_size=4).map("".join), st.sampled_from([2, 30, 1000])).map(
    lambda pair: (pair[0] * pair[1])[:40_000]
)
_LISTED = st.tuples(
    st.lists(_PIECE, min_size=1, max_size=5), st.sampled_from([", ", "\n", ". ", ") ("]), st.integers(1, 200)
).map(lambda parts: parts[1].join(f"{word} {number}" for number in range(parts[2]) for word in parts[0])[:20_000])

texts = st.one_of(_MIXED, _SPACED, _REPEATED, _LISTED)
"""Names and verbs, markup, controls, marks and emoji, in any order, some of it a thousand times."""

# --- JSON, as text: what no library would write --------------------------------------------------------

_STRINGS = st.one_of(
    texts.map(lambda text: text[:400]).map(json.dumps),
    st.sampled_from(
        ['"\\ud800"', '"\\udc00\\ud800x"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\x"', '"\x00"', '"\\u12"', '"\ud800"']
    ),
)
_DATES = st.sampled_from(
    ["2026-02-30", "0000-01-01", "-0001-01-01", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59.999999-12:00", "10000-01-01", "2026-03-02T25:00:00Z", "2026-03-02T08:30:60Z",
     "2026-03-02T08:30:00+99:99", "20260302", "1e400", "inf", "now",
     "２０２６-03-02", "2026-03-02T08:30:00.1234567891Z", "-62135596801"]
).map(json.dumps)  # fmt: skip
_NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(json.dumps),  # NaN and Infinity too
    st.sampled_from(
        [
            "1e400",
            "-1e-400",
            "-0",
            "9" * 400,
            "9" * 5000,
            "0." + "1" * 400,
            "253402300800",
            "-62135596801",
            "01",
            "1.",
            "+1",
            "0x10",
        ]
    ),
)
_DEEP = st.tuples(st.integers(0, 260), st.sampled_from(["[]", '{"a":}'])).map(
    lambda pair: pair[1][: len(pair[1]) - 1] * pair[0] + ("1" if pair[1] != "[]" else "") + pair[1][-1] * pair[0]
)
_SCALARS = st.one_of(st.sampled_from(["null", "true", "false", ""]), _NUMBERS, _STRINGS, _DATES)


def _object(pairs: list[tuple[str, str]]) -> str:
    """An object as it is told, keys that stand twice included."""
    return "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"


_VALUES: st.SearchStrategy[str] = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(_STRINGS, inner), max_size=4).map(_object)
    ),
    max_leaves=8,
)
_MEMBERS = st.tuples(st.sampled_from(FIELDS).map(json.dumps), _VALUES | _DEEP)
_TEXT = st.tuples(st.just('"text"'), texts.map(json.dumps))
_METADATA = st.tuples(st.just('"metadata"'), _DEEP.map(lambda deep: f'{{"a":{deep or "1"}}}'))

almost_articles = st.tuples(st.lists(_MEMBERS | _METADATA, max_size=5), st.lists(_TEXT, max_size=2)).map(
    lambda parts: _object([*parts[0], *parts[1]]).encode("utf-8", "surrogatepass")
)
"""Objects with the fields of an article, some twice, with values of any type."""

almost_json = st.tuples(almost_articles, st.integers(0, 10_000), st.binary(max_size=4)).map(
    lambda parts: (
        parts[0][: parts[1] % (len(parts[0]) + 1)] + parts[2] + parts[0][parts[1] % (len(parts[0]) + 1) + len(parts[2]) :]
    )
)
"""The same with some bytes overwritten."""

articles = st.fixed_dictionaries(
    {"text": texts},
    optional={
        "title": texts,
        "id": st.text(min_size=1, max_size=40) | st.sampled_from(["\x00", "\n", "\ud800", "x" * 512]),
        "url": _URLS,
        "source": texts.map(lambda text: text[:200]),
        "language": st.sampled_from(["it", "IT-it", "xx", "", "\x00", "italiano", "und", "zxx", "x" * 500])
        | st.text(max_size=10),
        "published_at": st.datetimes().map(lambda moment: moment.isoformat()) | st.integers(-(10**11), 10**11),
        "metadata": st.dictionaries(
            st.text(max_size=5), st.none() | st.floats() | st.integers() | st.text(max_size=5), max_size=3
        ),
    },
).map(lambda article: json.dumps(article).encode())
"""Articles whose types are right, and nothing else."""

values: st.SearchStrategy[bytes | None] = st.one_of(
    articles,
    almost_articles,
    almost_json,
    st.binary(max_size=300),
    st.sampled_from([None, b"", b"\x00", b"\xef\xbb\xbf", b"{}", b"[]", b'""', b"null"]),
)

headers = st.lists(
    st.tuples(
        st.sampled_from(["traceparent", "tracestate", "newsstream-attempts", "ce_id", "content-type"]) | st.text(max_size=8),
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [
                    b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
                    b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01",
                    b"v=1",
                    b"x" * 100_000,
                ]
            ),
        ),
    ),
    max_size=5,
).map(tuple)
keys = st.none() | st.binary(max_size=20) | st.just(b"k" * 5_000)
