"""What customers keep: receipts and statements, as PDF."""
