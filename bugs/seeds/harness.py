"""Seeds that the scenarios of features/harness must notice."""

import ast
import contextlib
import fcntl
import os
import signal
import traceback
from pathlib import Path

from bugs.seed import caught_by, seed

CAPABILITIES = "features/harness/capabilities.feature"
EVIDENCE = "features/harness/evidence.feature"
FAULTS = "features/harness/faults.feature"
OWN_DAEMONS = "features/harness/own_daemons.feature"
LEAKS = "features/harness/leaks.feature"
SURVIVES = "features/harness/nothing_survives.feature"
VERDICTS = "features/harness/verdicts.feature"


@seed(role="harness", patches="beehave.runner.runner:HarnessRunner._nothing_ran")
@caught_by(CAPABILITIES, "A run of which nothing is left is a failure")
def all_skipped_is_passed(original):
    """A run in which every scenario was skipped has passed: nothing failed. Real: behave 1.3.3."""
    return lambda self: False


@seed(role="harness", patches="beehave.output:_guard")
@caught_by(SURVIVES, "Standard output is closed before the first scenario")
def closed_output_is_a_crash(original):
    """`behave | head -1` ends with a traceback beside the output. Real: any Python program that prints."""

    def _guard(stream, when_closed):
        def report():
            traceback.print_exc()
            when_closed()

        original(stream, report)

    return _guard


@seed(role="harness", patches="beehave.runner.evidence:assert_lines")
@caught_by(EVIDENCE, "Every kind of Then")
def constants_are_evidence(original):
    """`assert True` counts as an assertion. Real: the predecessor."""
    return lambda source: frozenset(node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))


@seed(role="harness", patches="beehave.process.table:ProcessTable.spawn")
@caught_by(OWN_DAEMONS, "Its daemons are started, met and ended, in portable mode")
def every_daemon_exits_zero(original):
    """A daemon must exit 0 when it is asked to end, although beehave.toml allows SIGTERM. Real: the predecessor."""

    def spawn(self, role, name, argv, *, log_path, env=None, cwd=None, session=True, exits=frozenset({0})):
        return original(self, role, name, argv, log_path=log_path, env=env, cwd=cwd, session=session)

    return spawn


@seed(role="harness", patches="beehave.runner.runner:HarnessRunner._selection_is_sound")
@caught_by(VERDICTS, "A selection of nothing is a failure (`--tags=@typo`)")
def empty_selection_begins(original):
    """A run of an empty selection starts without a message. Real: behave 1.3.3, which calls it a success."""
    from beehave.runner import selection
    from beehave.runner.runner import say, step_definitions

    def _selection_is_sound(self):
        wrong = selection.problems(selection.selected(self.features, self.config), step_definitions)
        for problem in wrong:
            say(f"error: {problem}")
        return not wrong

    return _selection_is_sound


@seed(role="harness", patches="beehave.runner.step_guard:StepGuard.run")
@caught_by(SURVIVES, "sys.exit(0) in a step is a failed step, in portable mode")
def exit_passes_through(original):
    """A step that calls sys.exit ends the whole run: only exceptions are taken for failures. Real: behave 1.3.3."""

    def run(self, match, step, context):
        with self._interruption.may_break_in(), self._evidence_rule(step, context):
            self._unawaited.refuse(self._call(match, context), f'step "{step.name}"')

    return run


@seed(role="harness", patches="beehave.runner.step_guard:StepGuard._call")
@caught_by(SURVIVES, "sys.exit(0) in a step is a failed step, in portable mode")
def exit_zero_is_a_pass(original):
    """sys.exit(0) in a step is the end of the step, and no failure. Found by reading."""
    call = original.__func__

    def _call(match, context):
        try:
            return call(match, context)
        except SystemExit as end:
            if end.code:
                raise
            return None

    return staticmethod(_call)


@seed(role="harness", patches="beehave.runner.runner:HarnessRunner._guarded_hook")
@caught_by(SURVIVES, "A run that has an error in after_scenario, in namespaces")
def failed_hooks_are_forgiven(original):
    """What an `after` hook raises is dropped: the scenario had ended, after all. Found by reading."""

    def _guarded_hook(self, name, hook):
        guarded = original(self, name, hook)
        if not name.startswith("after_"):
            return guarded

        def forgiven(context, *args):
            with contextlib.suppress(Exception):
                guarded(context, *args)

        return forgiven

    return _guarded_hook


@seed(role="harness", patches="beehave.sandbox:requested_mode")
@caught_by(CAPABILITIES, "The fallback takes over by itself on such a machine")
def fallback_is_refused(original):
    """Where namespaces are forbidden the run is refused, although they were not required. Found by reading."""
    from beehave.sandbox.info import SandboxMode

    def requested_mode(option):
        mode = original(option)
        return SandboxMode.REQUIRE if mode is SandboxMode.AUTO else mode

    return requested_mode


@seed(role="harness", patches="beehave.faults.base:FaultStack.add")
@caught_by(FAULTS, "Each kind of fault, its injection left out")
def faults_are_unverified(original):
    """No fault is verified. Real: the predecessor, whose faults were log lines."""

    def add(self, fault):
        self._faults.append(fault)
        fault.inject()
        self._journal.record("fault", fault=fault.name)

    return add


@seed(role="harness", patches="beehave.runner.selection:_ambiguities")
@caught_by(VERDICTS, "an ambiguous step")
def first_definition_wins(original):
    """Of two definitions that match one sentence the first is run, the other is dead. Real: behave 1.3.3."""
    return lambda step, registry: []


@seed(role="harness", patches="beehave.runner.evidence:Evidence.shortfall", fast=True)
@caught_by(EVIDENCE, "Every kind of Then")
def forgets_evidence(original):
    """A Then that looks at nothing, or asserts nothing, passes. Real: the predecessor."""
    return lambda self: None


@seed(role="harness", patches="beehave.runner.interruption:Interruption.exit_code")
@caught_by(SURVIVES, "SIGINT to the terminal, in namespaces")
def interrupted_is_failed(original):
    """A run that a signal ended exits with 1, as if a scenario had failed. Real: behave 1.3.3."""
    return property(lambda self: None)


@seed(role="harness", patches="beehave.runner.context:HarnessContext._do_cleanups")
@caught_by(SURVIVES, "SIGHUP to the launcher, in namespaces")
def interrupted_without_cleanups(original):
    """A run that a signal ends does not clean up. Real: behave 1.3.3, which SIGTERM ends without a hook."""

    def _do_cleanups(self):
        if self._interruption.number is None:
            original(self)

    return _do_cleanups


@seed(role="harness", patches="beehave.runner.reporters:FailureJUnitReporter._process_scenario")
@caught_by(VERDICTS, "A failing before_all is an error in the JUnit file too")
def junit_skips_what_never_ran(original):
    """When `before_all` fails the JUnit file calls every scenario skipped, and none wrong. Real: behave 1.3.3."""
    from behave.reporter.junit import JUnitReporter

    return JUnitReporter._process_scenario


@seed(role="harness", patches="beehave.runner.reporters:install")
@caught_by(LEAKS, "A step's failure and a leak are both told")
def junit_tells_one_problem(original):
    """JUnit tells that a step failed, and not what was left behind as well. Real: behave 1.3.3."""
    from beehave.runner.reporters import ClosingLines

    def install(config, run_problems):
        config.reporters.append(ClosingLines(config))

    return install


@seed(role="harness", patches="beehave.runner.reporters:FailureJUnitReporter._process_run_items_for")
@caught_by(LEAKS, "What the hooks of a feature and of the run leave behind fails the run, and no scenario")
def junit_without_hooks(original):
    """What the hooks of a feature leave behind is in no JUnit file: no scenario has it. Real: behave 1.3.3."""
    from behave.reporter.junit import JUnitReporter

    return JUnitReporter._process_run_items_for


@seed(role="harness", patches="beehave.runner.runner:draw_report")
@caught_by(SURVIVES, "SIGKILL to the run, in portable mode")
def killed_run_has_no_report(original):
    """A report is drawn at the orderly end of a run, so a run that was killed has none. Real: behave's reporters."""

    def draw_report(run):
        if run.facts.get("finished"):
            original(run)

    return draw_report


@seed(role="harness", patches="beehave.report.report:RunReport.verdict")
@caught_by(SURVIVES, "SIGKILL to the run, in namespaces")
def killed_run_is_passed(original):
    """The report of a run that was killed calls it passed: none of its scenarios has failed. Found by reading."""
    return property(lambda self: "failed" if "failed" in self.statuses else "passed")


@seed(role="harness", patches="beehave.sandbox.reaper:_wait")
@caught_by(SURVIVES, "SIGKILL to the launcher, in portable mode")
def launcher_dies_unnoticed(original):
    """SIGKILL of what the user has started leaves the run at work. Real: every wrapper that waits for its child."""

    def _wait(run, woken, life):
        silent, _held = os.pipe()
        return original(run, woken, silent)

    return _wait


@seed(role="harness", patches="beehave.runner.context:HarnessContext._leaks_since")
@caught_by(LEAKS, "a temporary folder, in namespaces")
def leak_fails_nobody(original):
    """A leak is printed and fails no scenario: it counts as a problem of the run. Real: behave 1.3.3."""
    from beehave.runner.context import _print

    def _leaks_since(self, before, session):
        problems = original(self, before, session)
        if problems:
            self._runner.run_problems += problems
            _print(problems)
        return []

    return _leaks_since


@seed(role="harness", patches="beehave.sandbox.launcher:FORWARDED")
@caught_by(SURVIVES, "SIGTERM to the launcher, in namespaces")
def only_ctrl_c_is_heard(original):
    """The launcher hands SIGINT on, and neither SIGTERM nor SIGHUP. Real: the predecessor."""
    return (signal.SIGINT,)


@seed(role="harness", patches="beehave.process.census:processes_of_run")
@caught_by(LEAKS, "a process that forked twice, in portable mode")
def orphans_unseen(original):
    """Without namespaces the census looks below behave alone: who has forked twice is its reaper's child by then.

    Real: the usual list of leaks, `psutil.Process().children(recursive=True)`, which has no orphan in it.
    """
    from beehave.identity import descendants

    return lambda sandbox: original(sandbox) if sandbox.private_processes else descendants(os.getpid())


@seed(role="harness", patches="beehave.sandbox.launcher:_checked_status")
@caught_by(SURVIVES, "A run that calls os._exit, in namespaces")
def os_exit_is_success(original):
    """A step that calls os._exit(0) ends the run with status 0. Real: behave 1.3.3."""
    return lambda run: run


@seed(role="harness", patches="beehave.process.census:release_own")
@caught_by(LEAKS, "a file lock of behave itself, in namespaces")
def own_locks_stay(original):
    """The sweep releases what fcntl(2) has locked, and not what flock(2) has: the next scenario meets the lock."""

    def release_own(lock):
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(entry.readlink()) == lock.path:
                    fcntl.lockf(int(entry.name), fcntl.LOCK_UN)

    return release_own


@seed(role="harness", patches="beehave.faults.pause:Pause.verify")
@caught_by(FAULTS, "Each kind of fault, its injection left out")
def pause_is_believed(original):
    """A pause counts as effective as soon as it is requested."""
    return lambda self: None


@seed(role="harness", patches="beehave.process.listeners:Listener.describe")
@caught_by(LEAKS, "a process with a port, in namespaces")
def port_without_holder(original):
    """A port that was left open is reported without the process that holds it."""
    return lambda self: f"{self.host}:{self.port},"


@seed(role="harness", patches="beehave.process.file_locks:parse")
@caught_by(LEAKS, "a process with a file lock, in namespaces")
@caught_by(LEAKS, "a file lock of behave itself, in namespaces")
def posix_locks_only(original):
    """Only the locks of fcntl(2) are counted: those of flock(2), which most programs take, are left out."""
    return lambda text: [lock for lock in original(text) if lock[0] == "POSIX"]


@seed(role="harness", patches="beehave.sandbox.reaper:end_descendants")
@caught_by(SURVIVES, "A run that calls os._exit, in portable mode")
def reaper_asks_politely(original):
    """What a run leaves behind is sent SIGTERM, without a check that it ended. Real: the usual test runner."""
    from beehave.identity import descendants
    from beehave.sandbox.reaper import reap_all

    def end_descendants(remembered=frozenset(), *, spare=frozenset()):
        for process in set(descendants(os.getpid())) - spare | set(remembered):
            process.send(signal.SIGTERM)
        reap_all()

    return end_descendants


@seed(role="harness", patches="beehave.runner.interruption:Interruption.may_break_in")
@caught_by(SURVIVES, "Standard output is closed before the first scenario")
def remembered_signal_waits(original):
    """A signal between two steps is remembered, and the next step begins all the same. Found by reading."""

    @contextlib.contextmanager
    def may_break_in(self, *, allowed=True):
        before = self._may_break_in
        self._may_break_in = allowed
        try:
            yield
        finally:
            self._may_break_in = before

    return may_break_in


@seed(role="harness", patches="beehave.sandbox.launcher:_Signals._on_signal")
@caught_by(SURVIVES, "Ctrl-C twice ends a run in the middle of its cleanups, in portable mode")
def second_signal_is_no_order(original):
    """A second Ctrl-C is handed on like the first, and ends nothing. Real: a flag that is set already."""

    def _on_signal(self, number, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._reaper_pid, number)

    return _on_signal


@seed(role="harness", patches="beehave.machine.capabilities:missing")
@caught_by(CAPABILITIES, "A machine that forbids nearly everything")
def skipped_without_reason(original):
    """A scenario is skipped for a missing capability, without the reason why it is missing."""

    def missing(tags):
        reason = original(tags)
        return reason and reason.partition(":")[0]

    return missing


@seed(role="harness", patches="beehave.runner.selection:problems")
@caught_by(VERDICTS, "no steps")
def stepless_scenarios_pass(original):
    """A scenario without a step passes. Real: behave 1.3.3."""

    def problems(scenarios, registry):
        return original([scenario for scenario in scenarios if list(scenario.all_steps)], registry)

    return problems


@seed(role="harness", patches="beehave.runner.step_guard:UnawaitedCoroutines.refuse")
@caught_by(VERDICTS, "a step that forgets to await")
def thrown_away_coroutines_pass(original):
    """A step that makes a coroutine and forgets to await it passes; only one that returns it is seen.

    Real: Python warns, and behave hides what a passing step writes.
    """

    def refuse(self, result, source):
        self._seen.clear()
        original(self, result, source)

    return refuse


@seed(role="harness", patches="beehave.runner.step_guard:StepGuard.find_match")
@caught_by(VERDICTS, "an undefined step")
def undefined_steps_pass(original):
    """An undefined step is passed over. Real: the predecessor."""
    from behave.matchers import Match

    from beehave.runner.step_guard import GuardedMatch

    return lambda self, step: original(self, step) or GuardedMatch(Match(lambda _context: None, []), step, self)


@seed(role="harness", patches="beehave.process.census:processes_of_run")
@caught_by(LEAKS, "a zombie, in namespaces")
def zombies_unseen(original):
    """A process that has ended and is never reaped is no leak: the census counts running processes only."""
    import psutil

    return lambda sandbox: [process for process in original(sandbox) if process.state() != psutil.STATUS_ZOMBIE]
