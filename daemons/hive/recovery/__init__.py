"""What a hive does when its database is damaged: see it, keep the broken file, save what can be saved."""
