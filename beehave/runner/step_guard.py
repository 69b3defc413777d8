"""The guard around every step function: signals may interrupt it, only failures leave it, a `Then` needs evidence."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from typing import Any

from behave.matchers import Match, MatchWithError
from behave.model import Step
from behave.runner import Context

from beehave.errors import HarnessError
from beehave.runner.evidence import AssertionTrace, gathered
from beehave.runner.interruption import Interruption


class StepEndedRunError(AssertionError):
    """A step raised what would have ended the whole run: `sys.exit`, mostly."""


class NotAwaitedError(AssertionError):
    """A step or hook made a coroutine that was never awaited."""


class UnawaitedCoroutines:
    """Finds coroutines that were never awaited, of which Python only warns, and makes them errors of the step."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._show = warnings.showwarning
        warnings.filterwarnings("always", message="coroutine .* was never awaited", category=RuntimeWarning)
        warnings.showwarning = self._on_warning  # type: ignore[assignment]  # takes what it is given

    def refuse(self, result: object, source: str) -> None:
        """Raise NotAwaitedError when `result` is a coroutine, or when one was thrown away since the last call."""
        if inspect.iscoroutine(result):
            result.close()
            self._seen.append(f"coroutine '{result.__qualname__}' was never awaited")
        seen, self._seen = self._seen, []
        if seen:
            raise NotAwaitedError(
                f"{source}: {'; '.join(seen)}: none of it has run. Write `await` in an `async def` step, or "
                "`asyncio.run(...)` in a hook (behave never awaits hooks)"
            )

    def _on_warning(self, message: Any, category: type[Warning], *where: Any) -> None:
        if issubclass(category, RuntimeWarning) and "was never awaited" in str(message):
            self._seen.append(str(message).splitlines()[0])
        else:
            self._show(message, category, *where)


class GuardedMatch(Match):  # type: ignore[misc]  # behave has no types
    """A step definition's match that runs under the guard; formatters see it as any other match."""

    def __init__(self, match: Match, step: Step, guard: StepGuard) -> None:
        super().__init__(match.func, match.arguments)
        self._match = match
        self._step = step
        self._guard = guard

    def run(self, context: Context) -> None:
        """Call the step function."""
        self._guard.run(self._match, self._step, context)


class StepGuard:
    """A wrapper of behave's step registry that returns guarded matches."""

    def __init__(
        self,
        registry: Any,
        interruption: Interruption,
        unawaited: UnawaitedCoroutines,
        trace: AssertionTrace,
    ) -> None:
        self._registry = registry
        self._interruption = interruption
        self._unawaited = unawaited
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the registry."""
        return getattr(self._registry, name)

    def find_match(self, step: Step) -> Match | None:
        """Return the definition that matches a step, guarded, or None when there is none."""
        match = self._registry.find_match(step)
        return None if match is None else GuardedMatch(match, step, self)

    def run(self, match: Match, step: Step, context: Context) -> None:
        """Call a step function.

        Raises:
            KeyboardInterrupt: a signal came and aborts the step.
            AssertionError: the step failed, lacks evidence, left a coroutine, or tried to end the run.
        """
        with self._interruption.may_break_in(), self._evidence_rule(step, context):
            try:
                result = self._call(match, context)
            except (Exception, KeyboardInterrupt):
                raise
            except BaseException as error:
                what = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else repr(error)
                raise StepEndedRunError(
                    f"the step called {what}, which would have ended the run in its middle. A step fails by an "
                    "exception, best of all by `assert`"
                ) from error
            self._unawaited.refuse(result, f'step "{step.name}"')

    def _evidence_rule(self, step: Step, context: Context) -> contextlib.AbstractContextManager[Any]:
        session = getattr(context, "session", None)
        if session is None:
            raise HarnessError(
                "this run has no session, so nothing can be started and no Then can have evidence: let environment.py "
                "say `from beehave import hooks` and `before_all, before_scenario, after_step = hooks()`"
            )
        if step.step_type != "then":
            return contextlib.nullcontext()
        return gathered(session.journal, self._trace)

    @staticmethod
    def _call(match: Match, context: Context) -> Any:
        if isinstance(match, MatchWithError):
            return match.run(context)  # raises what went wrong when the parameters were converted
        named = {argument.name: argument.value for argument in match.arguments if argument.name is not None}
        unnamed = [argument.value for argument in match.arguments if argument.name is None]
        with context.use_with_user_mode():
            return match.func(context, *unnamed, **named)
