"""Members of secure aggregation: what a client checks, signs and votes for, after docs/PROTOCOL.md."""
import struct
from identity import is_signed
from masks import Refusal, sha, text, u32

def of_keys(run, rank, serial, mask_key, seal_key):
    """What a member signs for the keys of an attempt."""
    return text("fedlab-secagg-keys-v1") + text(run) + u32(rank) + struct.pack("<Q", serial) + mask_key + seal_key

def of_survivors(run, attempt, survivors):
    """What a member signs for a list of survivors; `attempt` has the round and the attempt."""
    return text("fedlab-secagg-vote-v1") + text(run) + u32(*attempt) + sha(u32(*survivors))

def check_members(members, threshold, settings, least):
    """Refuses members among whom a client is not hidden."""
    count, noise = len(members), settings.get("noise", {})
    if not least <= count <= settings["maxMembers"]:
        raise Refusal(f"Cannot mask: expected {least} to {settings['maxMembers']} members, got {count}")
    if not count / 2 < threshold <= count: raise Refusal(f"Cannot share: a threshold of {threshold} of {count}")
    if threshold < noise.get("threshold", 0):
        raise Refusal(f"Cannot share: a threshold of {threshold}, for which there is too little noise")
    keys = {member[name] for member in members for name in ("maskKey", "sealKey")}
    if len(keys) < 2 * count or len({member["rank"] for member in members}) < count:
        raise Refusal("Cannot share: two members have one key or rank")

def check_keys(run, members, listed):
    """Refuses members whose keys are not signed by a key of the federation."""
    for member in members:
        signed = of_keys(run, *(member[name] for name in ("rank", "serial", "maskKey", "sealKey")))
        if member.get("publicKey") not in listed or not is_signed(member["publicKey"], member.get("signature", b""), signed):
            raise Refusal(f"Cannot share: the keys of rank {member['rank']} are not signed by a member of the federation")
    if len({member["publicKey"] for member in members}) < len(members): raise Refusal("Cannot share: two members have one owner")

def check_survivors(survivors, rank, ranks, held, least):
    """Refuses to vote for a list that cannot be true; `held` are the ranks that have shared."""
    neighbours = {*ranks} & {*survivors}
    if survivors != sorted({*survivors}) or rank not in survivors or not neighbours <= held:
        raise Refusal("Cannot sign the survivors: the list cannot be true")
    if len(neighbours) < least: raise Refusal("Cannot sign the survivors: they are too few")

def check_votes(signed, survivors, held, members, threshold, asked):
    """Refuses a request for shares without the votes of as many neighbours as the threshold."""
    votes = {vote["rank"]: vote["signature"] for vote in asked.get("votes", ())}
    if {*asked["dropped"]} != held - {*survivors}:
        raise Refusal("Cannot reveal shares: the list of those that dropped out is not that of the vote")
    count = sum(is_signed(member["publicKey"], votes[member["rank"]], signed)
                for member in members if member["rank"] in votes.keys() & {*survivors})
    if count < threshold: raise Refusal(f"Cannot reveal shares: expected {threshold} votes, got {count}")
