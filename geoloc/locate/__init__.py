"""Photos become positions: drone photos, street photos, and why."""
