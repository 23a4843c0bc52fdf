"""The server that kiosks report to: it checks each chain, keeps every event and shows passages."""
