"""Words every room speaks: identifiers, money, errors, specs, outcomes; and the few mechanisms they share."""
