"""Smart meters: from raw half hours to occupancy, vacancy, household size and small areas."""
