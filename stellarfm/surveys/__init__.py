"""What each survey's release is, as data: one TOML file a release, read by `stellarfm.surveys.reading`."""
