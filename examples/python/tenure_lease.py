"""
Leadership on a DynamoDB table: the item format of docs/format.md in one file, with boto3 and nothing else.

    python3 tenure_lease.py my-leases orders --lease-ms 15000 -- ./work.sh

Contenders in this language, in TypeScript and through the API compete for one group correctly. Not guaranteed: that
only one process believes it leads. A frozen process does not know that its lease ran out, so the store that must not
be written twice compares `term.fencing_version` and refuses an older one.
"""
import argparse
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass

VERSION_GAP = 1_000
FLOOR_EVERY = 500
TERM_RETENTION_SECONDS = 90 * 24 * 3600
MOST_ADDRESSES = 64

# --- Conditions and updates as values, in the words of test/vectors/leadership.json ----------------------------------


def value(of):
    return {"kind": "value", "value": of}


def attribute(path):
    return {"kind": "attribute", "path": path}


def source(of):
    return of if isinstance(of, dict) and of.get("kind") in ("attribute", "if absent", "plus", "value") else value(of)


def if_absent(path, otherwise):
    return {"kind": "if absent", "path": path, "otherwise": source(otherwise)}


def plus(left, right):
    return {"kind": "plus", "left": source(left), "right": source(right)}


def set_(path, to):
    return [] if to is None else [{"kind": "set", "path": path, "to": source(to)}]


def remove(*paths):
    return [{"kind": "remove", "path": path} for path in paths]


def exists(path):
    return {"kind": "exists", "path": path}


def absent(path):
    return {"kind": "absent", "path": path}


def compare(path, comparator, to):
    return {"kind": "compare", "left": attribute(path), "is": comparator, "right": value(to)}


def all_of(*parts):
    return {"kind": "all", "of": list(parts)}


def any_of(*parts):
    return {"kind": "any", "of": list(parts)}


class Placeholders:
    """The names and values of one request: its expressions share them."""

    def __init__(self):
        self.names, self.values = {}, []

    def path(self, path):
        for name in path.split("."):
            self.names[f"#{name}"] = name
        return ".".join(f"#{name}" for name in path.split("."))

    def value(self, of):
        if of not in self.values:
            self.values.append(of)
        return f":v{self.values.index(of)}"

    def source(self, of):
        if of["kind"] == "value":
            return self.value(of["value"])
        if of["kind"] == "attribute":
            return self.path(of["path"])
        if of["kind"] == "if absent":
            return f"if_not_exists({self.path(of['path'])}, {self.source(of['otherwise'])})"
        return f"{self.source(of['left'])} + {self.source(of['right'])}"

    def condition(self, of, nested=False):
        kind = of["kind"]
        if kind == "exists":
            return f"attribute_exists({self.path(of['path'])})"
        if kind == "absent":
            return f"attribute_not_exists({self.path(of['path'])})"
        if kind == "compare":
            return f"{self.source(of['left'])} {of['is']} {self.source(of['right'])}"
        if len(of["of"]) == 1:
            return self.condition(of["of"][0], nested)
        text = (" AND " if kind == "all" else " OR ").join(self.condition(part, True) for part in of["of"])
        return f"({text})" if nested else text

    def update(self, changes):
        sets = [f"{self.path(c['path'])} = {self.source(c['to'])}" for c in changes if c["kind"] == "set"]
        removes = [self.path(c["path"]) for c in changes if c["kind"] == "remove"]
        parts = ([f"SET {', '.join(sets)}"] if sets else []) + ([f"REMOVE {', '.join(removes)}"] if removes else [])
        return " ".join(parts)


def rendered(table, write):
    """A write as an entry of TransactItems, or as the input of UpdateItem or PutItem."""
    places = Placeholders()
    sent = {"TableName": table}
    if write["kind"] == "put":
        sent["Item"] = {**write["item"], **write["key"]}
    else:
        sent["Key"] = write["key"]
        sent["UpdateExpression"] = places.update(write["update"])
    if "condition" in write:
        sent["ConditionExpression"] = places.condition(write["condition"])
        sent["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if places.names:
        sent["ExpressionAttributeNames"] = places.names
    if places.values:
        sent["ExpressionAttributeValues"] = {f":v{at}": of for at, of in enumerate(places.values)}
    return {"Put" if write["kind"] == "put" else "Update": sent}


# --- The rules: each step is one write, or one transaction -----------------------------------------------------------


def key(group, sort):
    return {"pk": f"GROUP#{group}", "sk": sort}


def term_key(group, version):
    return key(group, f"TERM#{version:012d}")


def put(at, item, condition=None):
    return {"kind": "put", "key": at, "item": item, **({"condition": condition} if condition else {})}


def update(at, changes, condition=None):
    return {"kind": "update", "key": at, "update": changes, **({"condition": condition} if condition else {})}


def present(**members):
    return {name: of for name, of in members.items() if of is not None}


def metadata_text(of):
    return None if of is None else json.dumps(of, separators=(",", ":"), ensure_ascii=False)


def owns_term(fence):
    return all_of(compare("fencingVersion", "=", fence["fencingVersion"]),
                  compare("holder.sessionId", "=", fence["sessionId"]))


def owns_live_term(fence, now):
    return all_of(owns_term(fence), compare("expiresAt", ">", now))


def granted_holder(grant, now):
    return {"contenderId": grant["contenderId"], "instanceId": grant["instanceId"],
            "sessionId": grant["sessionId"], "grantedAt": now}


def grant_lease(group, grant, now, max_clock_skew_ms):
    """Takes a lease that nobody holds, one version higher. Refused for a record that does not exist: create it then."""
    changes = set_("fencingVersion", plus(attribute("fencingVersion"), 1))
    for name, of in {"holder": granted_holder(grant, now), "leaseMs": grant["leaseMs"],
                     "expiresAt": now + grant["leaseMs"], "renewedAt": now, "requestId": grant["requestId"]}.items():
        changes += set_(name, of)
    changes += set_("previous", if_absent("previous", if_absent("ended", {"reason": "expired"})))
    changes += set_("previousExpiresAt", if_absent("previousExpiresAt", if_absent("expiresAt", now)))
    changes += remove("ended", "revokedContender", "reservedFor", "reservedUntil", "barredInstance", "barredUntil",
                      "handOverTo", "addressChanges")
    return update(key(group, "LEADERSHIP"), changes, all_of(
        exists("fencingVersion"),
        absent("restoring"),
        compare("requestId", "<>", grant["requestId"]),
        any_of(absent("expiresAt"), compare("expiresAt", "<", now - max_clock_skew_ms)),
        any_of(absent("reservedFor"), compare("reservedFor", "=", grant["contenderId"]),
               compare("reservedUntil", "<", now)),
        any_of(absent("barredInstance"), compare("barredInstance", "<>", grant["instanceId"]),
               absent("barredUntil"), compare("barredUntil", "<", now))))


def create_record(group, version, grant, now, seen_recreation=None):
    """The record of a new group, or of one whose record was lost; its TERM proves that the version is new."""
    item = {"groupsPk": "GROUPS", "group": group, "fencingVersion": version, "holder": granted_holder(grant, now),
            "leaseMs": grant["leaseMs"], "expiresAt": now + grant["leaseMs"], "requestId": grant["requestId"],
            "newestTerm": version, "renewedAt": now}
    term = {"fencingVersion": version, "contenderId": grant["contenderId"], "sessionId": grant["sessionId"]}
    writes = [put(key(group, "LEADERSHIP"), item, absent("fencingVersion")),
              put(term_key(group, version), term, absent("pk"))]
    if seen_recreation is not None:
        unchanged = compare("fencingVersion", "=", seen_recreation) if seen_recreation else absent("pk")
        writes.append(put(key(group, "RECREATION"), {"fencingVersion": version}, unchanged))
    return writes


def ending_of_newest_term(seen, now):
    if "newestTerm" not in seen:
        return None
    if seen["fencingVersion"] > seen["newestTerm"]:
        previous = seen.get("previous", {})
        return {"reason": previous.get("reason", "expired"), **present(detail=previous.get("detail")),
                "at": previous.get("at", seen.get("previousExpiresAt", now))}
    if "ended" in seen:
        return {**seen["ended"], "at": seen["ended"].get("at", now)}
    if "holder" in seen and seen.get("expiresAt", 0) <= now:
        return {"reason": "expired", "at": seen.get("expiresAt", now)}
    return None


def confirm_term(seen, fence, published, now):
    """Publishes the leader and writes its TERM, and the end of the TERM before; `seen` is the record as it was read."""
    group, newest, version = seen["group"], seen.get("newestTerm"), fence["fencingVersion"]
    before = seen.get("holder", {})
    shown = present(address=published["address"], metadata=metadata_text(published.get("metadata")))
    confirmed_at = before.get("confirmedAt", now)
    holder = {**before, **shown, "confirmedAt": confirmed_at}
    if "metadata" not in shown and "metadata" in before:
        holder["metadata"] = before["metadata"]
    who = {name: holder[name] for name in ("contenderId", "instanceId", "sessionId", "grantedAt") if name in holder}
    term = {"fencingVersion": version, **who, "confirmedAt": confirmed_at, **present(leaseMs=seen.get("leaseMs")), **shown}
    unchanged = absent("newestTerm") if newest is None else compare("newestTerm", "=", newest)
    writes = [update(key(group, "LEADERSHIP"),
                     set_("holder", holder) + set_("newestTerm", version) + remove("previous", "previousExpiresAt"),
                     all_of(owns_live_term(fence, now), unchanged)),
              put(term_key(group, version), term)]
    ending = ending_of_newest_term(seen, now)
    if newest is not None and newest != version and ending:
        writes.append(update(term_key(group, newest),
                             end_of_term(ending) + set_("ttl", now // 1000 + TERM_RETENTION_SECONDS)))
    return writes


def end_of_term(ending):
    detail = set_("endDetail", if_absent("endDetail", ending["detail"])) if "detail" in ending else []
    return (set_("endedAt", if_absent("endedAt", ending["at"]))
            + set_("endReason", if_absent("endReason", ending["reason"])) + detail)


def renew_lease(group, fence, renewal, now):
    """A renewal never shortens the lease: one that was overtaken by a later one is refused."""
    lease_ms = renewal.get("leaseMs")
    if lease_ms is None:
        not_overtaken = any_of(absent("renewedAt"), compare("renewedAt", "<=", now))
    else:
        not_overtaken = compare("expiresAt", "<=", now + lease_ms)
    expires_at = plus(attribute("leaseMs"), now) if lease_ms is None else now + lease_ms
    changes = (set_("expiresAt", expires_at) + set_("leaseMs", lease_ms) + set_("renewedAt", now)
               + set_("holder.address", renewal.get("address"))
               + set_("holder.metadata", metadata_text(renewal.get("metadata"))))
    return update(key(group, "LEADERSHIP"), changes, all_of(owns_live_term(fence, now), not_overtaken))


def restore_holder(group, term, renewal, now):
    """Writes back the holder of a running term whose record was damaged; `term` is its TERM as it was read."""
    confirmed_at = term.get("confirmedAt")
    holder = present(contenderId=term["contenderId"], instanceId=term.get("instanceId"), sessionId=term["sessionId"],
                     grantedAt=now if confirmed_at is None else confirmed_at, confirmedAt=confirmed_at,
                     address=renewal.get("address", term.get("address")),
                     metadata=metadata_text(renewal["metadata"]) if "metadata" in renewal else term.get("metadata"))
    return update(key(group, "LEADERSHIP"), set_("holder", holder), all_of(
        compare("fencingVersion", "=", term["fencingVersion"]), absent("ended"), absent("restoring"),
        compare("expiresAt", ">", now)))


def write_addresses(group, fence, seen, addresses, now):
    """Replaces the named addresses of a running term; `seen` counts the changes of those that were read."""
    revision = (seen or 0) + 1
    unchanged = absent("addressChanges") if seen is None else compare("addressChanges", "=", seen)
    item = {"fencingVersion": fence["fencingVersion"], "revision": revision, "addresses": addresses}
    return [update(key(group, "LEADERSHIP"), set_("addressChanges", revision),
                   all_of(owns_live_term(fence, now), unchanged)),
            put(key(group, "ADDRESSES"), item)]


def bar_holder(until):
    return set_("barredInstance", if_absent("holder.instanceId", "unknown")) + set_("barredUntil", until)


def resign_term(group, fence, successor, stay_out, request_id, now):
    from_now = plus(if_absent("leaseMs", 0), now)
    changes = set_("ended", {"reason": "resigned", "at": now, "requestId": request_id})
    if successor is not None:
        changes += set_("reservedFor", successor) + set_("reservedUntil", from_now)
    changes += bar_holder(from_now) if stay_out else []
    changes += remove("holder", "expiresAt", "renewedAt", "handOverTo")
    return update(key(group, "LEADERSHIP"), changes, owns_term(fence))


def ask_hand_over(group, version, successor=""):
    return update(key(group, "LEADERSHIP"), set_("handOverTo", successor),
                  all_of(compare("fencingVersion", "=", version), exists("holder")))


def revoke_term(group, version, reason, force, request_id, now):
    changes = set_("ended", {"reason": "revoked", "detail": reason, "at": now, "requestId": request_id})
    if not force:
        changes += set_("revokedContender", if_absent("holder.contenderId", "unknown"))
    changes += bar_holder(plus(now if force else if_absent("expiresAt", now), if_absent("leaseMs", 0)))
    changes += remove("handOverTo", "holder", *(("expiresAt", "renewedAt") if force else ()))
    return update(key(group, "LEADERSHIP"), changes, all_of(compare("fencingVersion", "=", version), exists("holder")))


# --- Answers to a refused contender and to a former leader -----------------------------------------------------------


def is_live(record, fence, now):
    holder = (record or {}).get("holder", {})
    return (bool(record) and record["fencingVersion"] == fence["fencingVersion"]
            and holder.get("sessionId") == fence["sessionId"] and record.get("expiresAt", 0) > now)


def is_running(record, version, now):
    """Whether the version still runs, though its holder may be damaged: its TERM knows who holds it."""
    return (bool(record) and record["fencingVersion"] == version and "ended" not in record
            and "restoring" not in record and record.get("expiresAt", 0) > now)


def addresses_in(item, record):
    """An item of another term publishes nothing, nor does one that is older than the record."""
    same = item and (item.get("fencingVersion"), item.get("revision")) == (
        record["fencingVersion"], record.get("addressChanges"))
    return item["addresses"] if same else {}


def reason_of_loss(record, fence):
    if record is None:
        return "revoked"
    if record["fencingVersion"] != fence["fencingVersion"]:
        return "superseded"
    if "holder" in record:
        return "expired" if record["holder"]["sessionId"] == fence["sessionId"] else "superseded"
    return record.get("ended", {}).get("reason", "expired")


def wait_ms(record, instance_id, now, max_clock_skew_ms):
    """How long a refused contender sleeps; without the jitter that keeps contenders apart."""
    expires_at, reserved_until = record.get("expiresAt", 0), record.get("reservedUntil", 0)
    until, skew = now, max_clock_skew_ms
    if "holder" in record or ("revokedContender" in record and expires_at > now):
        until = expires_at
    elif "reservedFor" in record and reserved_until > now:
        until = reserved_until
    elif record.get("barredInstance") == instance_id and record.get("barredUntil", 0) >= now:
        until, skew = record["barredUntil"], 0
    return max(10, until - now + skew + 1)


# --- The table -------------------------------------------------------------------------------------------------------


class Lost(Exception):
    """The term is over: `reason` is expired, superseded, revoked or resigned."""

    def __init__(self, reason, current):
        super().__init__(f"the term has ended ({reason}); the group is at version {current}")
        self.reason, self.current = reason, current


class Table:
    """Conditional writes of one table. A refusal is a result: the record that won, or None where none exists."""

    def __init__(self, name, client=None):
        import boto3
        from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
        from botocore.config import Config
        # A condition that compares the time is sent once: a retry needs a new reading of the clock.
        once = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1})
        self.name, self.client = name, client or boto3.client("dynamodb", config=once)
        self._pack, self._unpack = TypeSerializer(), TypeDeserializer()

    def pack(self, item):
        return {name: self._pack.serialize(of) for name, of in item.items()}

    def unpack(self, item):
        return _plain({name: self._unpack.deserialize(of) for name, of in item.items()}) if item else None

    def packed(self, sent):
        fields = ("Key", "Item", "ExpressionAttributeValues")
        return {name: self.pack(of) if name in fields else of for name, of in sent.items()}

    def read(self, at, consistent=True):
        answer = self.client.get_item(TableName=self.name, Key=self.pack(at), ConsistentRead=consistent)
        return self.unpack(answer.get("Item"))

    def newest(self, group, prefix):
        answer = self.client.query(
            TableName=self.name, KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)", Limit=1,
            ExpressionAttributeValues=self.pack({":pk": f"GROUP#{group}", ":prefix": prefix}),
            ScanIndexForward=False, ConsistentRead=True)
        items = answer["Items"]
        return int(items[0]["sk"]["S"][len(prefix):]) if items else 0

    def write(self, *writes):
        """(True, the record after a single update) or (False, the record that won)."""
        sent = [{kind: self.packed(one) for kind, one in rendered(self.name, write).items()} for write in writes]
        try:
            if len(sent) > 1:
                self.client.transact_write_items(TransactItems=sent, ClientRequestToken=str(uuid.uuid4()))
                return True, None
            if "Put" in sent[0]:
                self.client.put_item(**sent[0]["Put"])
                return True, None
            return True, self.unpack(self.client.update_item(**sent[0]["Update"], ReturnValues="ALL_NEW")["Attributes"])
        except self.client.exceptions.ConditionalCheckFailedException as refusal:
            return False, self.unpack(refusal.response.get("Item"))
        except self.client.exceptions.TransactionCanceledException as refusal:
            reasons = refusal.response["CancellationReasons"]
            if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise
            return False, self.unpack(reasons[0].get("Item"))


def _plain(of):
    """boto3 reads numbers as Decimal."""
    if isinstance(of, dict):
        return {name: _plain(member) for name, member in of.items()}
    return int(of) if type(of).__name__ == "Decimal" else of


# --- A contender -----------------------------------------------------------------------------------------------------


@dataclass
class Term:
    fencing_version: int
    session_id: str
    deadline: float
    """By time.monotonic(): the holder's own, before anybody else can take the lease."""

    @property
    def fence(self):
        return {"fencingVersion": self.fencing_version, "sessionId": self.session_id}

    def leads(self):
        return time.monotonic() < self.deadline


class Contender:
    def __init__(self, table, group, contender_id=None, lease_ms=15_000, max_clock_skew_ms=250, poll_ms=1_000,
                 address=None):
        self.table, self.group = table, group
        self.contender_id = contender_id or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.instance_id = str(uuid.uuid4())
        self.lease_ms, self.max_clock_skew_ms, self.poll_ms = lease_ms, max_clock_skew_ms, poll_ms
        self.address = address or f"{socket.gethostname()}:{os.getpid()}"

    @staticmethod
    def now():
        return int(time.time() * 1000)

    def contend(self):
        """(Term, None) once granted, else (None, ms to wait). A retry of a request that was granted gets its term."""
        asked_at, now = time.monotonic(), self.now()
        grant = {"contenderId": self.contender_id, "instanceId": self.instance_id, "sessionId": str(uuid.uuid4()),
                 "leaseMs": self.lease_ms, "requestId": str(uuid.uuid4())}
        won, record = self.table.write(grant_lease(self.group, grant, now, self.max_clock_skew_ms))
        if not won and record is None:
            won = self._create(grant, now)
            record = self.table.read(key(self.group, "LEADERSHIP"))
            if record is None:
                return None, 10
        holder = record.get("holder", {})
        mine = holder.get("contenderId") == self.contender_id and holder.get("instanceId") == self.instance_id
        if not won and not (mine and record.get("expiresAt", 0) > now):
            jitter = random.random() * min(100, record.get("leaseMs", 0) / 20)
            return None, wait_ms(record, self.instance_id, now, self.max_clock_skew_ms) + jitter
        version = record["fencingVersion"]
        if version % FLOOR_EVERY == 0:
            self.table.write(put(key(self.group, f"FLOOR#{version:012d}"), {}))
        left_ms = record["expiresAt"] - now - self.max_clock_skew_ms
        return Term(version, holder["sessionId"], asked_at + left_ms / 1000), None

    def _create(self, grant, now):
        highest = max(self.table.newest(self.group, "TERM#"), self.table.newest(self.group, "FLOOR#"))
        if highest == 0:
            return self.table.write(*create_record(self.group, 1, grant, now))[0]
        recreation = (self.table.read(key(self.group, "RECREATION")) or {}).get("fencingVersion", 0)
        highest = max(self.table.newest(self.group, "TERM#"), self.table.newest(self.group, "FLOOR#"))
        return self.table.write(*create_record(self.group, highest + VERSION_GAP, grant, now, recreation))[0]

    def confirm(self, term, metadata=None):
        for _ in range(5):
            seen, now = self.table.read(key(self.group, "LEADERSHIP")), self.now()
            if not is_live(seen, term.fence, now):
                break
            published = present(address=self.address, metadata=metadata)
            if self.table.write(*confirm_term({**seen, "group": self.group}, term.fence, published, now))[0]:
                return
        self._lost(seen, term)

    def renew(self, term):
        """Moves the deadline; returns the successor that an operator asked for, "" for any, or None."""
        for _ in range(3):
            asked_at, now = time.monotonic(), self.now()
            won, record = self.table.write(renew_lease(self.group, term.fence, {"leaseMs": self.lease_ms}, now))
            if won or is_live(record, term.fence, now):
                term.deadline = max(term.deadline, asked_at + (self.lease_ms - self.max_clock_skew_ms) / 1000)
                return record.get("handOverTo")
            if not (is_running(record, term.fencing_version, now) and self._restore(term)):
                break
        self._lost(record, term)

    def _restore(self, term):
        """Writes the holder back if its TERM says that it is this one."""
        known = self.table.read(term_key(self.group, term.fencing_version)) or {}
        if known.get("sessionId") != term.session_id or "confirmedAt" not in known or "endedAt" in known:
            return False
        return self.table.write(restore_holder(self.group, known, {"address": self.address}, self.now()))[0]

    def publish(self, term, name, address):
        """Publishes a named address of the confirmed term, in place of the one before."""
        self._change_addresses(term, lambda published: {**published, name: address})

    def withdraw(self, term, name):
        self._change_addresses(term, lambda published: {of: at for of, at in published.items() if of != name})

    def _change_addresses(self, term, edit):
        for _ in range(8):
            record, now = self.table.read(key(self.group, "LEADERSHIP")), self.now()
            if not is_live(record, term.fence, now):
                self._lost(record, term)
            seen = record.get("addressChanges")
            published = {} if seen is None else addresses_in(self.table.read(key(self.group, "ADDRESSES")), record)
            changed = edit(published)
            if changed == published:
                return
            if len(changed) > MOST_ADDRESSES:
                raise ValueError(f"a term publishes at most {MOST_ADDRESSES} addresses; withdraw one first")
            if self.table.write(*write_addresses(self.group, term.fence, seen, changed, now))[0]:
                return
        raise RuntimeError(f'too much contention on the addresses of group "{self.group}"; try again')

    def resign(self, term, successor=None, stay_out=True):
        write = resign_term(self.group, term.fence, successor, stay_out, str(uuid.uuid4()), self.now())
        won, record = self.table.write(write)
        if not won:
            self._lost(record, term)

    def _lost(self, record, term):
        raise Lost(reason_of_loss(record, term.fence), (record or {}).get("fencingVersion", 0))

    def lead(self, work):
        """Waits for the lease, runs `work(term, stop)` in a thread, renews meanwhile, gives the lease back."""
        term, wait = self.contend()
        while term is None:
            time.sleep(min(wait, self.poll_ms) / 1000)
            term, wait = self.contend()
        self.confirm(term)
        stop, successor = threading.Event(), None
        working = threading.Thread(target=work, args=(term, stop), daemon=True)
        working.start()
        while working.is_alive() and term.leads():
            working.join(self.lease_ms / 3000)
            try:
                successor = self.renew(term) if working.is_alive() else None
            except Lost:
                stop.set()
                raise
            except Exception as error:  # tried again until the deadline
                print(f"renewal failed: {error}", file=sys.stderr)
            if successor is not None:
                break
        stop.set()
        working.join(max(0, term.deadline - time.monotonic()))
        self.resign(term, successor or None)


def main():
    parser = argparse.ArgumentParser(description="Runs a command only while this process holds the lease of a group.")
    parser.add_argument("table")
    parser.add_argument("group")
    parser.add_argument("--id")
    parser.add_argument("--lease-ms", type=int, default=15_000)
    parser.add_argument("--poll-ms", type=int, default=1_000)
    if "--" not in sys.argv:
        parser.error("give the command after --")
    end = sys.argv.index("--")
    given, argv = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1:]

    def work(term, stop):
        env = {**os.environ, "TENURE_GROUP": given.group, "TENURE_FENCING_VERSION": str(term.fencing_version),
               "TENURE_SESSION_ID": term.session_id}
        with subprocess.Popen(argv, env=env) as command:
            while command.poll() is None and not stop.wait(0.05):
                pass
            command.terminate()

    Contender(Table(given.table), given.group, given.id, given.lease_ms, poll_ms=given.poll_ms).lead(work)


if __name__ == "__main__":
    main()
