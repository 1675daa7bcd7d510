"""What uses a credential in an account: from configurations, references and last uses; no stored value is read."""
