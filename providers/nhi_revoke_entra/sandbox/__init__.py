"""Microsoft Entra's behaviour on loopback: Microsoft Graph, the token endpoint, and APIs that judge its tokens."""
