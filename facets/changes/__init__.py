"""Every write: draft, preview, confirm, receipt."""
