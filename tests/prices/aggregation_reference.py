"""Groups of items, written out in plain Python: slow, obvious, and of no code in common with what it is held against.

The value of a basket is followed in money. Each item of a group has an amount, which grows and falls with its price;
the index of the group goes with the sum. Where the weights change the amounts are set anew, and the index goes on.
"""

from dataclasses import dataclass, field

Month = tuple[int, int]
Levels = dict[str, dict[Month, float]]
Weights = dict[tuple[str, int], dict[str, float]]


@dataclass
class World:
    """Item levels by month, where there are any, and weights by group and year."""

    months: list[Month]
    levels: Levels
    weights: Weights
    link: str = "january"
    price_update: bool = False
    lag: int = 2
    patience: int = 12
    movements: dict[str, list[float]] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        return sorted({group for group, _ in self.weights})

    @property
    def items(self) -> list[str]:
        return sorted({item for basket in self.weights.values() for item in basket})

    def year_for(self, month: Month) -> int:
        year, number = month
        if self.link in ("january", "december", "month-12"):
            return year
        if self.link == "none":
            return self.months[0][0]
        return year if number > int(self.link[-2:]) else year - 1

    def basket_year(self, group: str, month: Month) -> int | None:
        years = sorted(year for each, year in self.weights if each == group)
        past = [year for year in years if year <= self.year_for(month)]
        if past:
            return past[-1]
        return years[0] if years[0] <= month[0] else None


def ordered(amounts: dict[str, dict[str, float]]) -> list[str]:
    """Groups from the smallest to the largest."""
    return sorted(amounts, key=lambda group: (sum(value > 0 for value in amounts[group].values()), group))


def first_around(item: str, amounts: dict[str, dict[str, float]], allowed: set[str]) -> str | None:
    for group in ordered(amounts):
        if group in allowed and amounts[group].get(item, 0) > 0:
            return group
    return None


def given_away(amounts: dict[str, dict[str, float]], gone: set[str]) -> dict[str, dict[str, float]]:
    """Amounts of items that are gone go to the others of the smallest group that has any left."""
    alive = {group for group, own in amounts.items() if any(own[item] > 0 and item not in gone for item in own)}
    result = {group: dict(own) for group, own in amounts.items()}
    for group in alive:
        for heir in sorted(alive):
            leaving = [i for i in gone if amounts[group].get(i, 0) > 0 and first_around(i, amounts, alive) == heir]
            stay = [i for i in amounts[group] if amounts[group][i] > 0 and i not in gone]
            takers = [i for i in stay if amounts[heir].get(i, 0) > 0] or stay
            if leaving:
                total = sum(result[group][i] for i in takers)
                extra = sum(amounts[group][i] for i in leaving)
                for item in takers:
                    result[group][item] *= (total + extra) / total
                for item in leaving:
                    result[group][item] = 0.0
    return result


class Reference:
    """Runs a world month by month; `index[group][month]` is the level, and is missing where nothing was observed."""

    def __init__(self, world: World) -> None:
        self.world = world
        # Until a group begins, its first weights say how its items move while they are missing.
        self.amounts = {
            group: {item: basket.get(item, 0.0) for item in world.items}
            for (group, _), basket in sorted(world.weights.items(), reverse=True)
        }
        self.used = {group: dict(own) for group, own in self.amounts.items()}
        self.level: dict[str, float] = {}
        self.index: dict[str, dict[Month, float]] = {group: {} for group in world.groups}
        self.inside: dict[str, dict[Month, float]] = {group: {} for group in world.groups}
        self.last: dict[str, tuple[int, float]] = {}
        self.seen: dict[str, tuple[int, float]] = {}
        self.drift: dict[str, float] = {}
        self.gone: set[str] = set()
        self.trail: dict[str, list[float]] = {item: [] for item in world.items}
        self.bridged: list[str] = []
        for number, month in enumerate(world.months):
            self.step(number, month)

    def step(self, number: int, month: Month) -> None:
        world = self.world
        seen = {item: by[month] for item, by in world.levels.items() if month in by and item in world.items}
        if number:
            self.relink(number, month)
            moved = self.movements(seen)
        else:
            moved = dict.fromkeys(world.items, 1.0)
        self.carry(seen, moved, number)
        for group in self.level:
            self.level[group] *= sum(self.used[group].values()) / self.before[group]
        self.begin(seen, month)
        for group, level in self.level.items():
            self.inside[group][month] = level
            if any(self.used[group][item] > 0 for item in seen if item in self.used[group]):
                self.index[group][month] = level

    def carry(self, seen: dict[str, float], moved: dict[str, float], number: int) -> None:
        for item in self.world.items:
            before = self.trail[item][-1] if self.trail[item] else 1.0
            self.trail[item].append(before * moved[item])
        for amounts in (self.amounts, self.used):
            for own in amounts.values():
                for item in own:
                    own[item] *= moved[item]
        for item in self.world.items:
            if item in seen:
                self.last[item] = self.seen[item] = (number, seen[item])
                self.drift[item] = 1.0
                self.gone.discard(item)
            elif item in self.drift:
                self.drift[item] *= moved[item]
        now = {item for own in self.amounts.values() for item, amount in own.items() if amount > 0}
        for item in set(self.world.items) - now - set(seen):
            self.last.pop(item, None)
            self.drift.pop(item, None)

    def movements(self, seen: dict[str, float]) -> dict[str, float]:
        self.before = {group: sum(own.values()) for group, own in self.used.items()}
        own = {i: x / self.last[i][1] / self.drift[i] for i, x in seen.items() if i in self.last and i not in self.gone}
        of_group = {}
        for group, amounts in self.used.items():
            known = [item for item in amounts if item in own and amounts[item] > 0]
            if known:
                of_group[group] = sum(amounts[i] * own[i] for i in known) / sum(amounts[i] for i in known)
        moved = {}
        for item in self.world.items:
            guide = first_around(item, self.amounts, set(of_group))
            moved[item] = own[item] if item in own else of_group[guide] if guide else 1.0
        return moved

    def new_amounts(self, group: str, month: Month) -> dict[str, float]:
        world = self.world
        year = world.basket_year(group, month)
        assert year is not None
        amounts = dict(world.weights[group, year])
        if world.price_update:
            past = range(len(self.trail[world.items[0]]))
            within = [t for t in past if world.months[t][0] == year - world.lag]
            for item in amounts:
                trail = self.trail[item]
                reference = sum(trail[t] for t in within) / len(within) if within else trail[0]
                amounts[item] *= trail[-1] / reference
        return {item: amounts.get(item, 0.0) for item in world.items}

    def relink(self, number: int, month: Month) -> None:
        world, past = self.world, self.world.months[number - 1]
        double = world.link == "january"
        after_bridge = double and past[1] == 1 and number > 1
        if world.year_for(month) == world.year_for(past) and not after_bridge:
            return
        changed = [g for g in self.level if world.basket_year(g, month) != world.basket_year(g, past)]
        changed = self.bridged if after_bridge else changed
        new = {group: self.new_amounts(group, month) for group in changed}
        if double and month[1] == 1:
            self.bridged = changed
            new = self.classes_first(new)
        self.amounts = {**self.amounts, **new}
        latest = max((when for when, _ in self.seen.values()), default=0)
        for item, (when, _) in self.last.items():
            if latest - when >= world.patience:
                self.gone.add(item)
        self.used = given_away(self.amounts, self.gone)

    def classes_first(self, new: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """December to January: the classes have their new weights, the items within a class still their old ones."""
        old, both = self.amounts, {**self.amounts, **new}
        result = {group: dict.fromkeys(self.world.items, 0.0) for group in new}
        for name in both:
            members = [item for item in self.world.items if first_around(item, both, set(both)) == name]
            residents = [item for item in self.world.items if first_around(item, old, set(old)) == name]
            inner = {item: old[name][item] for item in residents if old[name][item] > 0}
            inner = inner or {item: both[name][item] for item in members}
            for group in new:
                weight = sum(new[group][item] for item in members)
                own = inner
                if any(amount > 0 and both[group].get(item, 0) == 0 for item, amount in both[name].items()):
                    kept = [item for item in inner if both[group].get(item, 0) > 0 or old[group].get(item, 0) > 0]
                    own = {item: inner[item] for item in kept} or {item: new[group][item] for item in members}
                for item, amount in own.items():
                    result[group][item] += weight * amount / sum(own.values()) if weight else 0.0
        return result

    def begin(self, seen: dict[str, float], month: Month) -> None:
        waiting = [g for g in self.world.groups if g not in self.level and self.world.basket_year(g, month) is not None]
        new = {group: self.new_amounts(group, month) for group in waiting}
        new = {group: amounts for group, amounts in new.items() if any(amounts.get(item, 0) > 0 for item in seen)}
        self.amounts = {**self.amounts, **new}
        given = given_away(self.amounts, self.gone)
        for group in new:
            self.level[group] = 100.0
            self.used = {**self.used, group: given[group]}
