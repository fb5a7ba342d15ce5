"""What has to hold before the first push, asked of each part in turn: every finding names its remedy."""
