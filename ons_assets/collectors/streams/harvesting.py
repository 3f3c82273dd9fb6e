"""The process that listens to one stream: what comes is kept, made safe every second, and every outage is recorded.

A message is safe ("acknowledged") when it is in the file of the hour and flushed to the disk; only then do the cursor
and the last sign of life go on. So a process that is killed asks again for what was not safe, if the service lets it,
and the outage that the next one records begins with the last thing that was safe.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ons_assets.collectors.streams import outages
from ons_assets.collectors.streams.arrivals import Arrivals, Measure
from ons_assets.collectors.streams.clock import Clock
from ons_assets.collectors.streams.description import Stream
from ons_assets.collectors.streams.hour_files import STAMP, HourFiles
from ons_assets.collectors.streams.keeping import Farewell, Junk, cursor_of, keeper_of
from ons_assets.collectors.streams.links import Batch, Call, Link, Lost, link_of
from ons_assets.collectors.streams.logbook import Logbook
from ons_assets.collectors.streams.outages import KnownBy, Outage
from ons_assets.collectors.streams.resuming import Resume, Waits, resume
from ons_assets.collectors.streams.waiting import Waiting
from ons_assets.lakehouse.home import write_atomically
from ons_assets.wording import counted

Progress = Callable[[str], None]
KNOWN_BY: dict[str, KnownBy] = {"heartbeat": "heartbeat", "silence": "silence"}
# How often the end of a wait is looked for.
LOOK_SECONDS = 1.0
# A connection is measured so often at most.
MEASURE_SECONDS = 0.01
# How long a connection may take to be closed.
GOODBYE_SECONDS = 5.0


class NotHarvested(ValueError):
    """A stream cannot be listened to, or not any longer; the message is one sentence."""


class NoRoom(Exception):
    """The disk is nearly full."""


def free_bytes(folder: Path) -> int:
    """Return how much room is left where a folder lies."""
    return shutil.disk_usage(folder).free


class Harvester:
    """Listens to one stream, until it is told to end.

    Parameters
    ----------
    stream
        Its description.
    logbook
        Its folder, in which no other process is at work.
    drops, outage_drops
        Drop folders of its files and of those of its outages.
    agent
        As it introduces itself.
    token
        That the service asks for.
    progress
        Is told in a sentence what happens; of no message.
    clock, link, free
        Seams for tests.
    """

    def __init__(
        self,
        stream: Stream,
        logbook: Logbook,
        drops: Path,
        outage_drops: Path,
        agent: str,
        token: str | None,
        progress: Progress,
        *,
        clock: Clock | None = None,
        link: Link | None = None,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.stream, self.logbook = stream, logbook
        self._drops, self._outage_drops = drops, outage_drops
        self._agent, self._token, self._progress = agent, token, progress
        self._clock, self._link, self._free = clock or Clock(), link or link_of(stream), free
        self._files = HourFiles(drops, stream.stream)
        self._keep = keeper_of(stream.keeps)
        back = stream.backfill
        self._cursor_of = cursor_of(back.field) if back is not None and back.field is not None else None
        self._waits = Waits(stream.reconnect)
        self._state = logbook.state()
        self._ending = asyncio.Event()
        # What is not yet safe.
        self._lines: list[bytes] = []
        self._line_bytes = 0
        self._cursor = self._state.cursor
        self._counts = dict(self._state.counts)
        self._counts_told = dict(self._counts)
        # By the clock that only goes forward, of a connection: when it answered, when its last sign of life came that
        # was read, its last message that was taken, and whatever was taken last.
        self._answered: float | None = None
        self._alive: float | None = None
        self._messaged = self._taken = self._safe = self._clock.elapsed()
        # What of it waits to be taken, when it was measured, and how long what was read last had lain there.
        self._waiting = Waiting()
        self._arrivals: Arrivals | None = None
        self._measured = self._behind_seconds = 0.0
        self._confirmed = self._asked = False
        # Where the last connections stood that a message ended which cannot be taken.
        self._junk_at: list[str | None] = []
        self._told_hour: datetime | None = None
        # Until when nobody is asked, by the same clock; None while somebody is.
        self.waits_until: float | None = None

    def end(self) -> None:
        """Have it end in order, soon."""
        self._ending.set()

    async def run(self) -> None:
        """Listen until told to end.

        Raises
        ------
        NotHarvested
            If the disk is nearly full, or the service refuses.
        """
        try:
            self._begin()
        except NoRoom as error:
            raise NotHarvested(f"{self.stream.stream} cannot begin: {error}") from None
        try:
            while not self._ending.is_set():
                lost = await self._listen()
                if lost is not None:
                    await self._wait_after(lost)
        except NoRoom as error:
            self._finish("disk", str(error))
            raise NotHarvested(f"{self.stream.stream} ended: {error}") from None
        except NotHarvested as error:
            self._finish("connection", str(error))
            raise
        except BaseException:
            # What is safe is safe; of the rest nobody knows how it stands.
            self._say("ended by an error")
            raise
        self._finish("process", "the harvester was ended in order")

    def _begin(self) -> None:
        now, state = self._clock.now(), self._state
        self._check_room()
        for file in self._files.recover(now):
            self._completed(file, "after an earlier process")
        if state.at_utc is not None and state.open_outage is None:
            began = min(state.alive_utc or state.at_utc, now)
            missed = Outage(began, "process", "the harvester was not at work: it was killed, or the machine was off")
            self._state = state.with_outages(*state.outages, missed)
        self._state = replace(self._state, at_utc=now, doing="begun")
        self.logbook.keep(self._state)
        self.logbook.write(now, "begun")
        self._told_hour = now.replace(minute=0, second=0, microsecond=0)
        self._tell(now)

    async def _listen(self) -> Lost | None:
        """Listen over one connection; return why there is none any more, or None where the end was asked for."""
        now = self._clock.now()
        # What ended the connection twice at the same cursor would come a third time, and nothing behind it ever.
        is_stuck = self._junk_at[-2:] == [self._state.cursor] * 2
        asked = Resume() if is_stuck else resume(self.stream.backfill, self._state, now)
        cursor = self._state.cursor if self.stream.kind == "file" else None
        self._asked = asked.is_asked or cursor is not None
        call = Call(
            *(self.stream, self._agent, self._token, asked.parameters, asked.headers, cursor),
            alive=self._is_alive,
            over=self._is_over,
        )
        self._answered = self._alive = self._arrivals = None
        self._waiting, self._behind_seconds, self._confirmed = Waiting(), 0.0, False
        began = self._clock.elapsed()
        pumping = asyncio.create_task(_pump(self._link, call, self._waiting, self._came))
        try:
            while not self._ending.is_set():
                await self._take_waiting()
                await self._tick(began)
        except Lost as lost:
            await self._make_safe()
            self._junk_at = [*self._junk_at[-1:], self._state.cursor] if lost.by == "junk" else []
            return lost
        finally:
            pumping.cancel()
            # A goodbye that does not come to an end is not waited for.
            await asyncio.wait({pumping}, timeout=GOODBYE_SECONDS)
        return None

    async def _take_waiting(self) -> None:
        """Take all that came; where nothing does, wait for a part of a second."""
        await self._waiting.some(min(max(self.stream.commit_seconds, 0.01), 1.0) / 2)
        batches: list[Batch] = []
        try:
            for found, came in self._waiting.take():
                if isinstance(found, Exception):
                    raise found
                if self._answered is None:
                    self._answered = self._messaged = came
                self._confirm()
                self._take(found, came)
                batches.append(found)
        finally:
            self._go_on(batches)

    def _is_over(self, measure: Measure) -> None:
        self._arrivals = Arrivals(measure, self._clock.elapsed)

    def _is_alive(self) -> None:
        """Note a sign of life, as of when it came to this machine, where that is known."""
        now = self._clock.elapsed()
        if self._arrivals is None:
            self._alive = now
        elif self._alive is None or now - self._measured >= MEASURE_SECONDS:
            self._arrivals.look()
            self._measured, self._alive = now, self._arrivals.read
            self._behind_seconds = max(now - self._alive, 0.0)

    def _came(self, batch: Batch | Exception) -> float:
        """When a batch came that was just read, at the earliest: signs of life may have come after its messages."""
        if isinstance(batch, Exception) or not batch.messages or self._alive is None:
            return self._clock.elapsed()
        return self._alive if self._arrivals is None else self._arrivals.since

    @property
    def _is_due(self) -> bool:
        waited = self._clock.elapsed() - self._safe
        return waited >= self.stream.commit_seconds or self._line_bytes >= self.stream.commit_bytes

    def _take(self, batch: Batch, came: float) -> None:
        latest, lines, before = None, self._lines, len(self._lines)
        junk = left_out = 0
        try:
            for message in batch.messages:
                try:
                    kept = self._keep(message)
                except Junk:
                    junk += 1
                    continue
                if kept is None:
                    left_out += 1
                    continue
                lines.append(kept.line)
                self._line_bytes += len(kept.line)
                latest = kept.time or latest
        except Farewell:
            raise Lost("network", "the service said that it ends the connection") from None
        finally:
            new = {"kept": len(lines) - before, "left_out": left_out, "junk": junk}
            for name, number in {**new, "received": sum(new.values())}.items():
                self._counts[name] += number
        self._taken = came
        if batch.messages:
            self._messaged = came
        if latest is not None and self._confirmed and self._state.outages:
            self._state = self._state.with_outages(*(outages.caught_up(each, latest) for each in self._state.outages))

    def _go_on(self, batches: Sequence[Batch]) -> None:
        """Have the cursor stand behind what was taken."""
        if self._cursor_of is None or self.stream.kind == "poll":
            told = (each.cursor for each in reversed(batches))
        else:
            told = (self._cursor_of(each) for batch in reversed(batches) for each in reversed(batch.messages))
        self._cursor = next((each for each in told if each is not None), self._cursor)

    def _confirm(self) -> None:
        """Record that the stream is there again, once a sign of life followed the answer."""
        nothing_to_hear = self.stream.heartbeat_seconds is None and self.stream.silence_seconds is None
        if self._confirmed or self._answered is None or (self._alive is None and not nothing_to_hear):
            return
        self._confirmed = True
        answered, back, asked = self._clock.moment_of(self._answered), self.stream.backfill, self._asked
        reach = back.reach_seconds if back is not None else None
        again = [
            outages.over(each, answered, resumed=asked, reach_seconds=reach)
            if each.ended_utc is None
            else outages.asked_for(each, answered, asked, reach)
            for each in self._state.outages
        ]
        self._state = self._state.with_outages(*again)
        if self.stream.kind == "file":
            # What was written meanwhile stands in the file, whatever its times are.
            ended = [each.ended_utc for each in again if each.ended_utc is not None]
            again = [outages.caught_up(each, max(ended)) for each in again]
            self._state = self._state.with_outages(*again)
        self.logbook.write(answered, "connected", asked_for_what_was_missed=asked)
        self._say(f"connected{', and asked for what was missed' if asked else ''}")

    async def _tick(self, began: float) -> None:
        """Make safe what is due, and look whether the stream is alive."""
        self._confirm()
        if self._is_due:
            await self._make_safe()
        if self._arrivals is not None:
            self._arrivals.look()
        now, stream = self._clock.elapsed(), self.stream
        if self._answered is None:
            if now - began > stream.connect_seconds + 1:
                raise Lost("network", "the service did not answer in time")
            return
        if self._waiting or (self._arrivals is not None and self._arrivals.is_behind):
            # What came and was not read yet is a sign of life.
            return
        heard = max(self._answered, self._alive or 0.0)
        if stream.heartbeat_seconds is not None and now - heard > stream.heartbeat_seconds:
            raise Lost("heartbeat", f"there was no sign of life for {stream.heartbeat_seconds:g} seconds")
        if stream.silence_seconds is not None and now - self._messaged > stream.silence_seconds:
            raise Lost("silence", f"no message came for {stream.silence_seconds:g} seconds")

    async def _make_safe(self) -> None:
        """Write what came to the disk, outside of the loop, which goes on answering pings meanwhile."""
        # As it stands now: what comes meanwhile is not made safe.
        alive = self._last_alive() if self._confirmed else self._state.alive_utc
        await asyncio.to_thread(self._commit, self._clock.now(), alive)

    def _commit(self, now: datetime, alive: datetime | None) -> None:
        self._check_room()
        try:
            self._files.commit(self._lines, now)
        except OSError as error:
            raise NoRoom(f"nothing more can be written: {str(error.strerror).lower()}") from None
        self._lines, self._line_bytes = [], 0
        doing = "listening" if self._confirmed else self._state.doing
        self._state = replace(
            self._state, at_utc=now, alive_utc=alive, cursor=self._cursor, counts=dict(self._counts), doing=doing
        )
        self.logbook.keep(self._state)
        self._safe = self._clock.elapsed()
        self._turn_the_hour(now)

    def _last_alive(self) -> datetime:
        """When that came for the last time which the stream was there for, as far as it was taken."""
        alive = self._taken if self._waiting else self._alive or 0.0
        if self.stream.heartbeat_seconds is None and self.stream.silence_seconds is None and not self._waiting:
            # No sign of life is promised: as long as the connection is there, so is the stream. Its end is read as late
            # as what came before it.
            alive = self._clock.elapsed() - self._behind_seconds
        return self._clock.moment_of(max(self._answered or 0.0, alive))

    def _check_room(self) -> None:
        free = self._free(self._drops)
        if free < self.stream.least_free_bytes:
            raise NoRoom(
                f"the disk is nearly full: {free >> 20} MiB are free, and it ends with less than "
                f"{self.stream.least_free_bytes >> 20} (least_free_bytes)"
            )

    def _turn_the_hour(self, now: datetime) -> None:
        """Complete a file that is full, or of an hour that is over, and tell the outages of the hour."""
        is_over = self._files.is_of_another_hour(now)
        if is_over or self._files.is_full:
            for file in self._files.complete():
                self._completed(file, "the hour is over" if is_over else "it is full")
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour == self._told_hour:
            return
        self._told_hour = hour
        self._tell(now)

    def _completed(self, file: Path, why: str) -> None:
        counts = {name: each - self._counts_told.get(name, 0) for name, each in self._counts.items()}
        self._counts_told = dict(self._counts)
        self.logbook.write(self._clock.now(), "completed", file=file.name, bytes=file.stat().st_size, **counts)
        self._say(
            f"{file.parent.name}/{file.name} ({why}): {counted(counts['received'], 'message')}, {counts['kept']} kept, "
            f"{counts['left_out']} not meant, {counts['junk']} unreadable"
        )

    def _tell(self, now: datetime) -> None:
        """Leave a file of the outages of which something is new."""
        new = [each for each in self._state.outages if each.ended_utc is None or not each.is_told]
        if not new:
            return
        stamp = f"{self.stream.stream}_{now:{STAMP}}"
        number, path = 1, self._outage_drops / f"{stamp}.csv"
        while path.exists():
            number, path = number + 1, self._outage_drops / f"{stamp}_{number}.csv"
        write_atomically(path, outages.text_of(new, self.stream.stream, self.stream.into, now))
        self._state = self._state.with_outages(*(replace(each, is_told=True) for each in self._state.outages))
        self.logbook.keep(self._state)

    async def _wait_after(self, lost: Lost) -> None:
        """Record that the stream is lost, and wait as long as its rules say."""
        lasted = self._clock.elapsed() - self._answered if self._confirmed and self._answered is not None else None
        began = self._clock.moment_of(self._messaged) if lost.by == "silence" else self._last_alive()
        wait = self._waits.after(lost, lasted)
        doing = f"waiting to connect again: {lost.sentence}"
        if self._state.open_outage is None:
            if lasted is None:
                began = self._state.at_utc or self._clock.now()
            missed = Outage(began, KNOWN_BY.get(lost.by, "connection"), lost.sentence)
            self._state = self._state.with_outages(*self._state.outages, missed)
        self._state = replace(self._state, at_utc=self._clock.now(), doing=doing)
        self.logbook.keep(self._state)
        self.logbook.write(self._clock.now(), "lost", by=lost.by, reason=lost.sentence, wait_seconds=wait)
        if self._waits.refusals >= self.stream.reconnect.most_refusals:
            raise NotHarvested(f"{self.stream.stream} ended: {lost.sentence}, {self._waits.refusals} times in a row")
        self._say(f"{lost.sentence}; the next attempt is {f'in {wait:g} seconds' if wait else 'made at once'}")
        await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        self.waits_until = self._clock.elapsed() + seconds
        while not self._ending.is_set() and (left := self.waits_until - self._clock.elapsed()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), min(left, LOOK_SECONDS))
            self._turn_the_hour(self._clock.now())
        self.waits_until = None

    def _finish(self, known_by: KnownBy, reason: str) -> None:
        """End in order: what came is made safe if it can be, the file completed, the outage that begins told."""
        now = self._clock.now()
        with suppress(OSError):
            if known_by != "disk":
                self._files.commit(self._lines, now)
                alive = self._last_alive() if self._confirmed else self._state.alive_utc
                self._state = replace(self._state, alive_utc=alive, cursor=self._cursor, counts=dict(self._counts))
            if self._state.open_outage is None and self._state.at_utc is not None:
                began = min(self._state.alive_utc or self._state.at_utc, now)
                missed = Outage(began, known_by, reason)
                self._state = self._state.with_outages(*self._state.outages, missed)
            self._state = replace(self._state, at_utc=now, doing=f"ended: {reason}")
            self.logbook.keep(self._state)
            for file in self._files.complete():
                self._completed(file, "the harvester ends")
            self._tell(now)
            self.logbook.write(now, "ended", reason=reason)
        self._say(f"ended: {reason}")

    def _say(self, what: str) -> None:
        self._progress(f"{self.stream.stream}: {what}")


async def _pump(link: Link, call: Call, waiting: Waiting, came: Callable[[Batch | Exception], float]) -> None:
    """Hand over what a link gives with when it came, and last why it ended."""
    try:
        async with aclosing(link(call)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                await waiting.put(batch, came(batch))
        raise Lost("ended", "the service ended the connection")
    except Exception as error:
        await waiting.put(error, came(error))
