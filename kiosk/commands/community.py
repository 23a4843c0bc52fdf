"""``kiosk community``: the server that kiosks report to, on this machine only."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from kiosk.model import DeviceId
from web.community.app import CommunityConfig
from web.community.devices import check_id, register_device, write_secret
from web.community.serve import serve


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run = actions.add_parser("run", help="answer kiosks and show passages until stopped")
    _data(run)
    run.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="ADDRESS:PORT", help="loopback only; port 0: any"
    )
    run.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write the port number here once it is open"
    )
    run.add_argument("--devices", type=Path, metavar="FILE", help="which kiosks may report (default: in DIR)")
    add = actions.add_parser("add-device", help="make a kiosk's secret and let it report")
    _data(add)
    add.add_argument("--id", required=True, metavar="DEVICE", help="gate.device of the kiosk's configuration")
    add.add_argument("--simulated", action="store_true", help="the server's pages say so from the start")
    add.add_argument(
        "--secret-file", required=True, type=Path, metavar="FILE", help="sync.secret_file of the kiosk"
    )


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the server's own directory")


def run(arguments: argparse.Namespace) -> int:
    """0 after a clean stop; ConfigError for what can't be used."""
    if arguments.action == "add-device":
        return _add_device(arguments)
    logging.basicConfig(level=logging.INFO, format="community: %(message)s")
    config = CommunityConfig(arguments.data, devices_file=arguments.devices)
    serve(config, arguments.listen, port_file=arguments.port_file, announce=_announce)
    return 0


def _announce(address: str) -> None:
    print(f"community server: {address}", flush=True)


def _add_device(arguments: argparse.Namespace) -> int:
    device, secret_file = DeviceId(arguments.id), arguments.secret_file
    check_id(device)
    arguments.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    register_device(arguments.data, device, write_secret(secret_file), simulated=arguments.simulated)
    print(f"{device} may report; its secret is in {secret_file}")
    return 0
