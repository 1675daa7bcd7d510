"""Access kinds of Microsoft Entra ID, one file each."""
