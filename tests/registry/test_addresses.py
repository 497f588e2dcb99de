"""Where a registry from outside must not lead us, whatever name it uses for it."""

import threading

import httpx
import pytest
from fault_proxy import FaultProxy
from pulls import QUICK
from wire_faults import Redirect

from ollama_nb.errors import OllamaError, UnsafeAddress
from ollama_nb.names import Name
from ollama_nb.registry.addresses import Reach, is_public
from ollama_nb.registry.remote import Repository
from ollama_nb.registry.transport import proxy_for

INSIDE = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "192.0.0.170", "fec0::1", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b:1::1",
)  # fmt: skip
OUTSIDE = ("8.8.8.8", "104.21.75.227", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address):
    assert is_public(address)


def test_a_registry_from_outside_leads_nowhere_inside():
    reach = Reach("registry.example")
    reach.check("registry.example", "8.8.8.8")
    reach.connected("registry.example", "8.8.8.8")
    reach.check("cdn.example", "8.8.4.4")
    with pytest.raises(UnsafeAddress, match=r"redirected to cdn\.example, an address inside"):
        reach.check("cdn.example", "10.0.0.1")
    with pytest.raises(UnsafeAddress):  # the same name with another address now
        reach.check("registry.example", "127.0.0.1")


def test_a_registry_inside_may_lead_inside():
    reach = Reach("Registry.local")
    reach.check("registry.local", "192.168.1.1")
    reach.connected("registry.local", "192.168.1.1")
    reach.check("store.local", "192.168.1.2")
    reach.check("cdn.example", "8.8.8.8")


def test_nothing_but_the_registry_is_connected_to_first():
    with pytest.raises(UnsafeAddress):
        Reach("registry.example").check("other.example", "127.0.0.1")


def test_what_counts_is_the_address_that_is_connected_to(proxy, monkeypatch):
    """The registry looks public here; the real connections go to a proxy on loopback."""
    monkeypatch.setattr(
        "ollama_nb.registry.addresses.is_public", lambda address: address == "127.0.0.1"
    )
    with FaultProxy(host="127.0.0.2") as inside:
        proxy.on("/v2/", Redirect(inside.url))
        repository = Repository.of(Name.parse(f"{proxy.host}/library/x"), insecure=True)
        with (
            repository.connect(QUICK, threading.Event()) as remote,
            pytest.raises(UnsafeAddress),
            remote.answer("GET", "manifests/latest"),
        ):
            pass
        assert proxy.seen("/v2/")
        assert not inside.seen()


def test_proxies_of_the_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_for(httpx.URL("https://registry.example/v2/")) == ""
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inner.example")
    assert proxy_for(httpx.URL("https://registry.example/v2/")) == "http://proxy.example:3128"
    assert proxy_for(httpx.URL("https://inner.example/v2/")) == ""
    assert proxy_for(httpx.URL("http://registry.example/v2/")) == ""
    assert proxy_for(httpx.URL("https://127.0.0.1/v2/")) == ""
    assert proxy_for(httpx.URL("https://localhost/v2/")) == ""


@pytest.mark.parametrize("inside", ["10.0.0.1", "[fc00::1]", "167772161", "10.0.0.1."])
def test_a_proxy_is_not_sent_inside(proxy, monkeypatch, inside):
    monkeypatch.setenv("http_proxy", proxy.url)
    proxy.on("registry.invalid", Redirect(f"http://{inside}/x", exactly=True))
    repository = Repository.of(Name.parse("registry.invalid/library/x"), insecure=True)
    with (
        repository.connect(QUICK, threading.Event()) as remote,
        pytest.raises(UnsafeAddress, match="an address inside this network"),
        remote.answer("GET", "manifests/latest"),
    ):
        pass
    assert len(proxy.seen()) == 1


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:1", "kind socks5; only http and https"),
        ("ALL_PROXY", "http://a:b", "a proxy whose address is none"),
        ("ALL_PROXY", "http://", "a proxy whose address is none"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem", "certificates of SSL_CERT_FILE cannot be"),
    ],
)
def test_an_environment_that_cannot_be_used(puller, monkeypatch, variable, value, says):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(OllamaError, match=f"cannot reach registry.invalid: .*{says}") as caught:
        puller.pull("registry.invalid/a/b", insecure=False)
    assert "secret" not in str(caught.value)


def test_a_name_that_no_host_can_have(puller):
    with pytest.raises(OllamaError, match="cannot reach xn--"):
        puller.pull("xn--/a/b", insecure=False)


def test_a_pull_by_way_of_a_proxy(puller, plain, proxy, registry, repository, monkeypatch):
    """The proxy resolves the name, which nobody else could."""
    plain.push_model(f"{repository}:latest", model=b"weights")
    monkeypatch.setenv("http_proxy", proxy.url)
    puller.pull(f"registry.invalid/{repository}")
    assert proxy.seen()[0].path.startswith("http://registry.invalid/v2/")
    puller.check()
