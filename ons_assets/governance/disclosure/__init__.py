"""What leaves the house: one step that every aggregate passes, and an auditor that attacks what it lets pass."""
