"""Makes parity.json: what scipy says about the quantities that two-sample.ts and marks.ts compute.

python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install scipy==1.17.1 && /tmp/oracle/bin/python packages/rollout/test/parity.py > packages/rollout/test/parity.json
"""
import json
import numpy
import scipy
from scipy.special import logsumexp
from scipy.stats import binom, hypergeom, nchypergeom_fisher, rankdata

RATIOS = [1.5, 2, 3, 5, 10, 20]
random = numpy.random.default_rng(20260101)


def evidence(stable, candidate, marked_stable, marked_candidate):
    """log of r^x / E[r^x] for the hypergeometric x, summed over its whole support."""
    marked = marked_stable + marked_candidate
    x = numpy.arange(max(0, marked - stable), min(marked, candidate) + 1)
    logs = hypergeom.logpmf(x, stable + candidate, marked, candidate)
    return [float(marked_candidate * numpy.log(r) - logsumexp(logs + x * numpy.log(r))) for r in RATIOS]


def ratio_of_chances(stable, candidate, marked_stable, marked_candidate):
    """the same as a likelihood ratio: Fisher's noncentral hypergeometric over the central one."""
    marked = marked_stable + marked_candidate
    shape = (stable + candidate, marked, candidate)
    return [float(nchypergeom_fisher.logpmf(marked_candidate, *shape, r) - hypergeom.logpmf(marked_candidate, *shape)) for r in RATIOS]


def excess(stable, candidate, marked_stable, marked_candidate, margin):
    """the conditional binomial's likelihood ratio, averaged over a coin that spoils stable's good answers at the margin."""
    share = candidate / (stable + candidate)
    good = stable - marked_stable
    spoiled = numpy.arange(good + 1)
    coin = binom.logpmf(spoiled, good, margin)
    result = []
    for r in RATIOS:
        theta = share * r / (1 - share + share * r)
        marked = marked_stable + marked_candidate + spoiled
        ratio = binom.logpmf(marked_candidate, marked, theta) - binom.logpmf(marked_candidate, marked, share)
        result.append(float(logsumexp(ratio + coin)))
    return result


def largest(stable, candidate, share):
    """how many of the candidate's values are among the largest; ranks without ties."""
    ranks = rankdata(numpy.concatenate([stable, candidate]))
    count = max(1, int(numpy.floor(len(ranks) * share + 0.5)))
    return int(numpy.sum(ranks[len(stable):] > len(ranks) - count))


tables = [(95, 5, 3, 3), (300, 40, 3, 20), (7, 7, 7, 0), (7, 7, 0, 7), (1, 1, 0, 1), (50, 50, 50, 50), (10, 3, 0, 0), (1140, 60, 11, 2)]
for _ in range(30):
    stable, candidate = int(random.integers(1, 3000)), int(random.integers(1, 1500))
    tables.append((stable, candidate, int(random.integers(0, stable // 3 + 2)) % (stable + 1), int(random.integers(0, candidate // 3 + 2)) % (candidate + 1)))

values = []
for _ in range(12):
    stable = random.lognormal(7, 0.6, int(random.integers(3, 80)))
    candidate = random.lognormal(7.3, 0.6, int(random.integers(3, 40)))
    stable, candidate = numpy.round(stable, 6), numpy.round(candidate, 6)
    values.append({"stable": stable.tolist(), "candidate": candidate.tolist(), "marked": {str(share): largest(stable, candidate, share) for share in (0.5, 0.1)}})

print(json.dumps({
    "scipy": scipy.__version__,
    "evidence": [{"table": table, "bets": evidence(*table)} for table in tables],
    "noncentral": [{"table": table, "bets": ratio_of_chances(*table)} for table in tables[:8]],
    "excess": [{"table": table, "margin": margin, "bets": excess(*table, margin)} for table in tables for margin in (0.0, 0.005)],
    "values": values,
}))
