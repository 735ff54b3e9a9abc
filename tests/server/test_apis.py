# ruff: noqa: E501  (requests on a line each)
"""Every API in process: shapes of answers and of errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dragoman.server import Settings
from dragoman.server.keys import KeyStore
from dragoman.server.settings import read_settings

Make = Callable[..., TestClient]


def test_libretranslate(client: Make) -> None:
    http = client()
    asked = {"q": "Good morning.", "source": "en", "target": "de"}
    as_json, as_form = http.post("/translate", json=asked), http.post("/translate", data=asked)
    assert as_json.status_code == 200 and as_json.json() == as_form.json()
    assert set(as_json.json()) == {"translatedText"}
    found = http.post("/translate", json={"q": ["Where are you?", "Wo bist du heute?"], "source": "auto", "target": "fr"}).json()
    assert [row["language"] for row in found["detectedLanguage"]] == ["en", "de"] and len(found["translatedText"]) == 2
    several = http.post("/translate", json={**asked, "alternatives": 2}).json()
    assert isinstance(several["alternatives"], list) and len(several["alternatives"]) <= 2
    assert http.get("/languages").json()[0].keys() == {"code", "name", "targets"}
    assert http.get("/frontend/settings").json()["charLimit"] == -1
    assert http.get("/health").json() == {"status": "ok"}
    assert http.post("/suggest", data={"q": "a"}).status_code == 403
    same = http.post("/translate", json={"q": "Guten Tag", "source": "de", "target": "de"}).json()
    assert same == {"translatedText": "Guten Tag"}
    for empty in ("", ["", ""]):
        assert http.post("/translate", json={"q": empty, "source": "en", "target": "de"}).json() == {"translatedText": empty}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"source": "en", "target": "de"}, "Invalid request: missing q parameter"),
        ({"q": "a", "target": "de"}, "Invalid request: missing source parameter"),
        ({"q": "a", "source": "xx", "target": "de"}, "xx is not supported"),
        ({"q": "a", "source": "en", "target": "xx"}, "xx is not supported"),
        ({"q": 5, "source": "en", "target": "de"}, "q must be"),
        ({"q": "a", "source": "en", "target": "de", "format": "pdf"}, "format"),
        ({"q": "a", "source": "en", "target": "de", "alternatives": "x"}, "alternatives"),
        ({"q": "a" * 50, "source": "en", "target": "de"}, "exceeds text limit (20)"),
    ],
)
def test_libretranslate_errors(client: Make, body: dict[str, object], message: str) -> None:
    answer = client(char_limit=20).post("/translate", json=body)
    assert answer.status_code == 400 and message in answer.json()["error"]


def test_what_is_no_json(client: Make) -> None:
    http = client()
    for body in (b"{", b"[" * 100_000, b"\xff\xfe", b"[]"):
        answer = http.post("/translate", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400 and answer.json() == {"error": "Invalid JSON format"}
    assert http.get("/nothing/here").status_code == 404 and "error" in http.get("/nothing/here").json()


def test_files(client: Make) -> None:
    http = client()
    sent = http.post(
        "/translate_file", data={"source": "en", "target": "de"}, files={"file": ("../../a b.json", b'{"k": "Good morning."}')}
    )
    url = sent.json()["translatedFileUrl"]
    assert url.startswith("http://testserver/download_file/") and url.endswith("/a%20b.de.json".replace("%20", " "))
    got = http.get(url)
    assert got.status_code == 200 and json.loads(got.content).keys() == {"k"}
    assert got.headers["content-disposition"].startswith("attachment")
    assert http.get("/download_file/../../etc/passwd").status_code in (400, 404)
    wrong = http.post("/translate_file", data={"source": "en", "target": "de"}, files={"file": ("a.docx", b"PK")})
    assert wrong.status_code == 400 and "zip" in wrong.json()["error"]


def test_plugins(client: Make) -> None:
    http = client()
    assert http.post("/translate", json={"from": "en", "to": "de", "text": "Yes."}).json()["result"]
    assert len(http.post("/translate/batch", json={"from": "en", "to": "de", "texts": ["Yes.", "No."]}).json()["results"]) == 2
    immersive = http.post("/imme", json={"source_lang": "zh", "target_lang": "de", "text_list": ["Where are you?"]}).json()
    assert immersive["translations"][0]["detected_source_lang"] == "en"
    assert http.post("/kiss", json={"from": "en", "to": "de", "text": "Yes."}).json()["text"]
    hcfy = http.post("/hcfy", json={"text": "Yes.", "destination": ["德语"], "source": "英语"}).json()
    assert hcfy["from"] == "英语" and hcfy["to"] == "德语" and hcfy["result"]
    assert http.post("/deeplx", json={"text": "Yes.", "source_lang": "EN", "target_lang": "DE"}).json()["code"] == 200
    assert http.post("/deepl", json={"text": ["Yes."], "source_lang": "EN", "target_lang": "DE"}).json()["translations"]
    google = http.post("/google/language/translate/v2", json={"q": "Yes.", "source": "en", "target": "de"}).json()
    assert google["data"]["translations"][0]["translatedText"]
    single = http.get("/google/translate_a/single", params={"q": "Yes.", "sl": "en", "tl": "de"}).json()
    assert single[0][0][1] == "Yes." and single[2] == "en"
    assert http.get("/version").json()["version"] and http.get("/__heartbeat__").text == "Ready"


def test_native(client: Make) -> None:
    http = client()
    text = "Good morning. How are you?"
    found = http.post("/v1/translate", json={"text": text, "source": "en", "target": "de", "details": True, "n_best": 2}).json()
    (one,) = found["translations"]
    for sentence in one["sentences"]:
        assert text[slice(*sentence["source_span"])] == sentence["source"]
        assert one["text"][slice(*sentence["target_span"])] == sentence["target"]
        assert 0 <= sentence["quality"] <= 1 and sentence["alignment"] and sentence["words"]
    assert http.post("/v1/translate", json={"text": "a", "target": "de", "colour": 1}).status_code == 400
    assert http.get("/spec").json()["openapi"] == "3.1.0"
    assert http.get("/v1/memory").json()["models"] and http.get("/v1/languages").json()["pairs"]["en"]
    with http.stream("POST", "/v1/translate/stream", json={"text": ["Yes.", "No."], "source": "en", "target": "de"}) as events:
        lines = [line for line in events.iter_lines() if line]
    assert lines[0] == "id: 0" and lines[-2] == "event: done"


def test_keys_quotas_and_rates(client: Make, keys_file: Path) -> None:
    store = KeyStore(keys_file, create=True)
    secret, narrow = store.add("one"), store.add("two", char_quota=20, rate=3)
    assert secret.encode() not in keys_file.read_bytes()
    http = client(api_keys=str(keys_file))
    body = {"q": "Good morning.", "source": "en", "target": "de"}
    assert http.post("/translate", json=body).status_code == 400
    assert http.post("/translate", json={**body, "api_key": "wrong"}).status_code == 403
    assert http.post("/translate", json={**body, "api_key": secret}).status_code == 200
    assert http.post("/v2/translate", json={"text": ["Yes."], "target_lang": "DE"}).status_code == 403
    mine = {"authorization": f"DeepL-Auth-Key {narrow}"}
    codes = [http.post("/v2/translate", json={"text": ["Good morning."], "source_lang": "EN", "target_lang": "DE"}, headers=mine)
             .status_code for _ in range(4)]  # fmt: skip
    assert codes == [200, 456, 456, 429]
    assert KeyStore(keys_file).used("two") == 13
    for path in ("/health", "/healthz", "/readyz"):
        assert http.get(path).status_code == 200
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_bounds_and_headers(client: Make) -> None:
    http = client(body_limit="1KB", url_prefix="/tr", trusted_proxies="127.0.0.0/8")
    large = http.post("/tr/translate", content=b"a" * 5000)
    assert large.status_code == 413 and "error" in large.json()
    page = http.get("/tr/")
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200 and "unsafe" not in policy and "default-src 'none'" in policy
    assert http.get("/tr/health").headers["x-content-type-options"] == "nosniff"
    named = http.get("/tr/health", headers={"x-request-id": "abc"}).headers["x-request-id"]
    assert named == "abc" and len(http.get("/tr/health", headers={"x-request-id": "a\tb"}).headers["x-request-id"]) == 16


def test_settings(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('port = 7000\nchar-limit = 5\nhost = "0.0.0.0"\n')
    found = read_settings({"host": "::1"}, file=file, environment={"LT_PORT": "8000", "DRAGOMAN_METRICS_OPEN": "yes"})
    assert (found.host, found.port, found.char_limit, found.metrics_open) == ("::1", 8000, 5, True)
    assert Settings().port == 5000 and Settings(url_prefix="a/").url_prefix == "/a"
    from dragoman import OptionsError

    for wrong in ({"port": "x"}, {"port": 70000}, {"workers": 0}, {"trusted_proxies": "a"}, {"body_limit": "?"}):
        with pytest.raises(OptionsError):
            Settings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionsError, match="colour"):
        read_settings({"colour": 1}, environment={})
