"""What a station does for its owner: logs, firmware, network profiles."""
