"""Hold what is said of half hours, from 06:00 to 22:00, against who was truly in."""

from known import WAKING, days, halves

from ons_assets.meters.occupancy import accuracy, area_under_curve, brier_score

every = days()
kinds = {"all": every, "usual": every.filter(~every["equipped"]), "large equipment": every.filter("equipped")}
print("homes              number  right  AUC   Brier  Brier of usual shares  said below 0.1, but in")
for kind, rows in kinds.items():
    said = halves(rows, "occupied_probability")[:, WAKING]
    true = (halves(rows, "people_home")[:, WAKING] > 0).astype(float)
    usual = 0 * true + true.mean(axis=0)  # the share of homes with somebody in, at that time of day
    print(
        f"{kind:<18} {rows['meter'].n_unique():6}  {accuracy(said, true):.2f}   {area_under_curve(said, true):.2f}"
        f"  {brier_score(said, true):.3f}  {brier_score(usual, true):.3f}"
        f"                  {100 * true[said < 0.1].mean():.0f} %"
    )
