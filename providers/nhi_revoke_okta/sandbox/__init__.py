"""One Okta org on loopback: stateful, and enforcing the ordering rules that Okta documents."""
