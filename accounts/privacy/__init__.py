"""What is known about people, column by column, and the three things done with that list: copying, erasing, forgetting.

Each app says in its `privacy_manifest.py` what its tables hold and registers it at start-up, so imports keep flowing one way.
Source: docs/privacy.md, docs/decisions/0005-accounts.md
"""
