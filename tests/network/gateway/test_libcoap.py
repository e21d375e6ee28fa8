"""libcoap's client registers with the directory, renews, looks up, and leaves."""

from pathlib import Path

import pytest
from support.gateways import running_gateway, write_gateway_file
from support.serving import COAP_CLIENT, coap

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")


@pytest.mark.skipif(COAP_CLIENT is None, reason="libcoap's coap-client is not installed")
@pytest.mark.clause("TC-GW-05", "TC-GW-08", "TC-GW-11")
def test_libcoaps_client_registers(tmp_path: Path) -> None:
    with running_gateway(write_gateway_file(tmp_path)) as gateway:
        directory = f"{gateway.coap}/rd"
        made = coap(f"{directory}?ep=lib&lt=60", "post", "-t", "40", "-e", "</tc>;obs")
        assert "c:2.01" in made
        location = (
            made.partition("Location-Path:rd, Location-Path:")[2].partition(" ")[0].rstrip(",")
        )
        (seen,) = gateway.ask("GET", "/devices").json()
        assert (seen["name"], seen["presence"], seen["lifetime_s"]) == ("lib", "awake", 60)
        assert 'ep="lib"' in coap(f"{gateway.coap}/rd-lookup/ep?ep=lib")
        assert "obs" in coap(f"{gateway.coap}/rd-lookup/res?ep=lib")
        assert "c:2.04" in coap(f"{directory}/{location}?lt=90", "post")
        (seen,) = gateway.ask("GET", "/devices").json()
        assert seen["lifetime_s"] == 90
        assert "c:2.02" in coap(f"{directory}/{location}", "delete")
        assert gateway.ask("GET", "/devices").json() == []
