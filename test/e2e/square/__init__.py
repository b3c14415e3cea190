"""Each client dialect, driven by its official SDK, against each provider type, played by the mock."""
