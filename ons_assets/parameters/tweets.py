"""Parameters of the tweets pilot."""

from datetime import date

from pydantic import Field

from ons_assets.parameters.base import Parameters, Section
from ons_assets.parameters.geography import REACH_M, NearestParameters
from ons_assets.parameters.mobility import AnchorParameters, Weight, WorkProfile


class LocatingParameters(Parameters):
    """Areas in which tweets and their clusters are placed."""

    area_level: str | None = Field(
        None, description="level of reference/areas, such as msoa11; null if there is one only"
    )
    reach_m: float = Field(
        REACH_M, gt=0, description="who is farther from every centre, and in no boundary, is in no area"
    )


class GapParameters(Parameters):
    """Silences of the collector."""

    expected_tweets: float = Field(
        30.0,
        gt=0,
        description="a silence in which more tweets were to be expected, one of each user an hour, is a gap; of a"
        " Poisson process the chance of a silence of 30 is 1 in 10 million million, real arrivals are burstier",
    )
    shortest_minutes: float = Field(
        5.0, ge=0, description="shorter silences are no gaps, however many tweets were to be expected"
    )
    fewest_weeks: int = Field(
        3, ge=1, description="weeks from which on the rate is that of the hour of the week, not of the day"
    )
    fewest_users: int = Field(
        2, ge=1, description="users on a day without whom it is none of the collection: one user's clock may be wrong"
    )


class UserParameters(Parameters):
    """Who tweets: people, and what is none."""

    fewest_tweets: int = Field(
        20, ge=1, description="users with fewer are taken for people: too little is seen of them"
    )
    constant_share: float = Field(
        0.98, gt=0, le=1, description="share of tweets from one and the same coordinate that makes a fixed screen"
    )
    automated_share: float = Field(
        0.9, gt=0, le=1, description="share of tweets from applications that post by themselves that makes a bot"
    )
    tweets_per_hour: int = Field(40, ge=1, description="hours with more tweets are not typed by hand")
    fastest_m_s: float = Field(300.0, gt=0, description="faster between two tweets is faster than an airliner")
    shortest_flight_m: float = Field(
        20_000.0, ge=0, description="shorter distances say nothing of speed, because positions have errors"
    )
    impossible_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="share of the tweets that such flights must be: a wrong fix now and then makes no bot",
    )
    clockwork_share: float = Field(
        0.7, gt=0, le=1, description="share of tweets at one and the same minute of the hour that makes a bot"
    )
    repetitions: int = Field(3, ge=1, description="how many such hours, or flights, it takes")


class ClusterParameters(Parameters):
    """Clusters of a user's tweets by density; the defaults are the pilot's."""

    eps_m: float = Field(20.0, gt=0, description="two tweets of a user are neighbours within this distance")
    min_tweets: int = Field(3, ge=1, description="a cluster is valid from so many tweets on")


class TweetAnchorParameters(AnchorParameters):
    """Home, work and study of those who tweet.

    A tweet says less than a stay of a telephone, and most people tweet rarely: an evening stands for the night. Chosen
    on simulated seed 1.
    """

    # In the evening and at the weekend people tweet from where they go out.
    work_profile: WorkProfile = WorkProfile(weekend=0.0, work_start=9, work_end=17)
    sleep_start: int = Field(19, ge=0, le=23, description="hour of the local clock at which a night begins")
    sleep_end: int = Field(8, ge=1, le=24, description="hour at which it ends")
    sleep_hours: float = Field(0.2, gt=0, le=24, description="hours at a place within it that make a night there")
    residence_weeks: int = Field(4, ge=0, description="weeks in which these nights must lie at least")
    residence_night_share: float = Field(
        0.3, ge=0, le=1, description="share of the days at a residence that must have a night there"
    )
    residence_needed: bool = Field(
        True,
        description="whether a person without a residence has no home; else the place with the most evidence is one",
    )
    window_days: int = Field(
        14, ge=0, description="the main home of a day has the most evidence from so many days before to as many after"
    )
    change_days: float = Field(
        14.0, ge=0, description="days that a main home lasts at least; who is back sooner has not changed it"
    )
    date_days: int = Field(
        28,
        ge=0,
        description="how far from the day on which the balance tips that of the change is looked for: the one that"
        " parts the days at the old home and those at the new best",
    )
    second_home_share: float = Field(
        0.25,
        ge=0,
        le=1,
        description="share of the evidence of both that a residence beside the main home must hold to be a second home",
    )
    min_change_evidence: float = Field(
        0.5, ge=0, description="least cost of a change in days of evidence, for people of whom little is seen"
    )
    home_odds_days: float = Field(0.2, ge=0, description="days of evidence with which a home is as likely as none")
    work_odds_power: float = Field(
        2.0, gt=0, description="power of the evidence to which the odds of places of work or study are proportional"
    )
    work_odds_share: float = Field(
        0.01,
        ge=0,
        le=1,
        description="evidence of work in days, by weekday seen, with which a place of work is as likely as none",
    )
    least_work_confidence: float = Field(
        0.5, ge=0, le=1, description="least confidence of work and study; with less, none is seen"
    )
    instant_hours: float = Field(1.0, gt=0, le=24, description="what a tweet counts for")
    min_work_days: int = Field(5, ge=1, description="days with evidence that a place of work or study needs")
    work_weight: dict[str, Weight] = Field(
        {"residential": 0.1, "transport": 0.2}, description="the same for work and study"
    )


class TermParameters(Parameters):
    """When students study."""

    terms: tuple[tuple[date, date], ...] = Field(
        (), description="first and last days of university terms; without any, the usual ones"
    )


class MoveParameters(Parameters):
    """What counts as a move."""

    shortest_km: float = Field(
        1.0, ge=0, description="a nearer new home is the same one, seen through another error of position"
    )
    persistence_days: int = Field(
        14, ge=1, description="days between the first and the last sign of life at the new home, and at the old one"
    )
    confidence: float = Field(0.6, ge=0, le=1, description="least confidence of both homes")


class MigrationFlowParameters(Parameters):
    """From users who move to people who move."""

    fewest_tweets: int = Field(20, ge=1, description="a user with fewer tweets counts in no flow")
    fewest_users: int = Field(
        10,
        ge=1,
        description="an area with fewer users at risk is weighted with all such areas together, and with the next"
        " smallest until they have as many; a month with fewer in all has no flows",
    )
    fewest_movers: int = Field(3, ge=1, description="a flow of fewer users is not told")
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
    fewest_moves: int = Field(
        50, ge=2, description="of fewer moves in all it is not concluded how many of users who tweet little are missed"
    )
    usual_moves: float = Field(
        10.0,
        gt=0,
        description="moves by which each month is drawn to the mean of all, where who does not study is told from who"
        " does",
    )
    bias_by_area: float = Field(
        0.8,
        ge=0,
        le=5,
        description="relative standard deviation of flows beside what chance does, where of users only the area is"
        " known; this and the others were chosen on simulated worlds of which the truth is known",
    )
    bias_by_age: float = Field(
        0.15, ge=0, le=5, description="the same where age or sex are known, and nothing of who studies"
    )
    bias_by_study: float = Field(
        0.12, ge=0, le=5, description="the same where it is known who studies, and of flows of students"
    )


class RakedFlowParameters(Parameters):
    """Flows raked to official totals."""

    fewest_movers: int = Field(3, ge=1, description="flows of fewer users have no row, as the flows that are raked")
    bias: float = Field(
        0.12,
        ge=0,
        le=5,
        description="relative standard deviation of raked flows beside what chance does; an error of the official"
        " totals is not in it",
    )
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")


class DemographicsParameters(Parameters):
    """Age and sex of users."""

    smoothing_users: float = Field(
        20.0,
        gt=0,
        description="users by whom shares of ages and sexes among those who study are drawn to the shares among all",
    )
    least_probability: float = Field(
        0.001, ge=0, lt=1, description="less likely groups of a user are left out, and the others raised to 1"
    )


class MigrationComparisonParameters(Parameters):
    """Flows beside official estimates."""

    student_share: float = Field(
        0.1, gt=0, le=1, description="share of students in the population from which on an area is a student area"
    )


class MemoryParameters(Parameters):
    """How tables of users are divided; no figure depends on it."""

    rows_at_once: int = Field(2_500_000, gt=0, description="rows that are in memory together")


class Tweets(Section):
    """Parameters of the tweets pilot."""

    locating: LocatingParameters = LocatingParameters()
    gaps: GapParameters = GapParameters()
    users: UserParameters = UserParameters()
    clustering: ClusterParameters = ClusterParameters()
    cluster_types: NearestParameters = NearestParameters()
    anchors: TweetAnchorParameters = TweetAnchorParameters()
    terms: TermParameters = TermParameters()
    moves: MoveParameters = MoveParameters()
    demographics: DemographicsParameters = DemographicsParameters()
    flows: MigrationFlowParameters = MigrationFlowParameters()
    raked_flows: RakedFlowParameters = RakedFlowParameters()
    comparison: MigrationComparisonParameters = MigrationComparisonParameters()
    memory: MemoryParameters = MemoryParameters()
