"""Count what is left at each step from positions to homes and work."""

import polars as pl
from known import table

users, clusters, anchors = table("tweets/users"), table("tweets/clusters"), table("tweets/user_anchors")
print(f"positions in the country      {len(table('tweets/located_tweets')):6,}")
print(f"users                         {len(users):6,}")
print(f"of them no people             {users.filter(pl.col('user_kind') != 'person').height:6,}")
print(f"places to which users return  {clusters.filter('is_valid').height:6,}")
for anchor in ("home", "work"):
    print(f"users with a place of {anchor}    {anchors.filter(anchor=anchor)['user'].n_unique():6,}")
