import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_router.web.hosts import is_allowed_host, is_same_origin


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "192.168.1.20:8000",
        "8.8.8.8",  # an address is never rebound: there is no name to point elsewhere
        "127.0.0.1.",
        "[::1]",
        "[::1]:8000",
        "[fe80::1]:8000",
        "[::ffff:127.0.0.1]",
        "localhost",
        "LOCALHOST:8000",
        "localhost.",
        "router.localhost:8000",
        "nas",
        "nas:80",
        "llm_router:8000",  # a service in a compose network
        "2130706433",
        "raspberrypi.local",
        "RaspberryPi.Local:8000",
        "raspberrypi.local.",
        "chat.home.lan",
        "chat.internal",
        "chat.home.arpa",
    ],
)
def test_a_home_network_is_let_in_without_configuration(host: str) -> None:
    assert is_allowed_host(host, ())


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example.com",
        "evil.example.com:8000",
        "127.0.0.1.evil.example.com",
        "127.0.0.1.nip.io",
        "localhost.evil.example.com",
        "local.evil.com",
        "evil.com.",
        "evil.notlocal",
        "evil.arpa",
        "evil-home.arpa",
        "localhost@evil.example.com",
        "evil.example.com@localhost",
        "user:password@localhost",
        "localhost:8000@evil.example.com",
        "localhost, evil.example.com",
        "localhost evil.example.com",
        "localhost/evil.example.com",
        "localhost#.evil.example.com",
        "localhost?.local",
        "evil.example.com\\.local",
        "evil.example.com%00.local",
        "evil.example.com/.local",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:8000:8000",
        "localhost:٣",
        "localhost..",
        ".local",
        ".",
        "..local",
        "-.local",
        "0x7f.1",
        "0x7f.0.0.1",
        "127.1",
        "0177.0.0.1",
        "256.0.0.1",
        "::1",
        "[::1",
        "::1]",
        "[::1]8000",
        "[127.0.0.1]",
        "[localhost]",
        "[::1%25eth0]",
        "[::g]",
        "lоcalhost.local",  # a Cyrillic о
        "localhost\n",
    ],
)
def test_names_the_public_dns_can_point_here_and_malformed_ones_are_not(host: str) -> None:
    assert not is_allowed_host(host, ())


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("chat.example.org", "chat.example.org", True),
        ("Chat.Example.ORG.:443", "chat.example.org", True),
        ("chat.example.org", "CHAT.example.org.", True),
        ("a.chat.example.org", "chat.example.org", False),
        ("badchat.example.org", "chat.example.org", False),
        ("example.org", ".example.org", False),
        ("chat.example.org", ".example.org", True),
        ("a.b.example.org", "*.example.org", True),
        ("example.org", "*.example.org", False),
        ("evilexample.org", ".example.org", False),
        ("evilexample.org", "*.example.org", False),
        ("chat.example.org.evil.com", "*.example.org", False),
        ("evil.com", "*", False),
        ("evil.com", "", False),
        ("evil.com", ".", False),
    ],
)
def test_allowed_hosts_are_whole_names_or_the_subdomains_of_one(host: str, allowed: str, expected: bool) -> None:
    assert is_allowed_host(host, ("other.example.net", allowed)) is expected


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://localhost:8000", "LocalHost:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]:8000", "[0:0::1]:8000"),
        ("http://nas", "nas"),
        ("http://nas", "nas:80"),
        ("https://chat.example.org", "chat.example.org"),  # a proxy ended TLS; we were spoken to in http
        ("https://chat.example.org", "chat.example.org:443"),
        ("https://chat.example.org:8443", "chat.example.org:8443"),
    ],
)
def test_a_page_of_ours_is_recognised(origin: str, host: str) -> None:
    assert is_same_origin(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "127.0.0.1:8000"),
        ("null", "null"),
        ("", "127.0.0.1:8000"),
        ("", ""),
        ("http://", ""),
        ("http://127.0.0.1:3000", "127.0.0.1:8000"),
        ("http://127.0.0.1", "127.0.0.1:8000"),
        ("http://localhost:8000", "127.0.0.1:8000"),
        ("http://evil.example.com", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000.evil.example.com", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000@evil.example.com", "127.0.0.1:8000"),
        ("http://evil.example.com@127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000 http://evil.example.com", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000, http://evil.example.com", "127.0.0.1:8000"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("chrome-extension://nas", "nas"),
        ("file://nas", "nas"),
        ("http://nas:443", "nas"),
    ],
)
def test_a_page_elsewhere_is_not_ours(origin: str, host: str) -> None:
    assert not is_same_origin(origin, host)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_rules_or_names_two_hosts(host: str, origin: str) -> None:
    if is_allowed_host(host, ("chat.example.org",)):
        assert not set(host) & set("@/\\?#%, \t\r\n")
    assert is_same_origin(origin, host) in (True, False)
