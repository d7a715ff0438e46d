use crate::{Effect, Error, ErrorKind, Program, Result, RoleId};

impl<R: RoleId, M> Program<R, M> {
    /// Checks what can be known before running: [`interpret`](crate::interpret) does it first.
    ///
    /// # Errors
    /// [`Program`](ErrorKind::Program), naming the step: one behind the end or behind the exit of
    /// a loop, an exit outside of a loop or across the edge of a parallel program, a branch of no
    /// alternatives or with the same label twice, an endless loop of nothing.
    pub fn validate(&self) -> Result<()> {
        check(self, false)
    }
}

fn check<R: RoleId, M>(program: &Program<R, M>, in_loop: bool) -> Result<()> {
    let mut last: Option<&Effect<R, M>> = None;
    for (index, effect) in program.effects.iter().enumerate() {
        let checked = match last {
            Some(last) => Err(refused(format!("can never run, it is behind `{last}`"))),
            None => check_effect(effect, in_loop),
        };
        checked.map_err(|error| error.at_place(&format_args!("step {} ({effect})", index + 1)))?;
        if matches!(effect, Effect::End | Effect::ExitLoop) {
            last = Some(effect);
        }
    }
    Ok(())
}

fn check_effect<R: RoleId, M>(effect: &Effect<R, M>, in_loop: bool) -> Result<()> {
    match effect {
        Effect::ExitLoop if !in_loop => Err(refused("there is no loop around it to leave")),
        Effect::Loop { times, body } => {
            if times.is_none() && body.is_empty() {
                return Err(refused("its body has no steps, so it would spin for ever"));
            }
            check(body, true)
        }
        Effect::Branch { branches, .. } => {
            if branches.is_empty() {
                return Err(refused("it has no alternatives; give at least one"));
            }
            for (index, (label, body)) in branches.iter().enumerate() {
                if branches[..index]
                    .iter()
                    .any(|(earlier, _)| earlier == label)
                {
                    return Err(refused(format!("the label `{label}` stands there twice")));
                }
                check(body, in_loop)
                    .map_err(|error| error.at_place(&format_args!("branch `{label}`")))?;
            }
            Ok(())
        }
        Effect::Parallel { programs } => {
            programs
                .iter()
                .enumerate()
                .try_for_each(|(index, program)| {
                    // A loop around all of them cannot be left by one of them.
                    check(program, false)
                        .map_err(|error| error.at_place(&format_args!("program {}", index + 1)))
                })
        }
        Effect::Timeout { body, fallback, .. } => {
            check(body, in_loop)?;
            fallback.as_ref().map_or(Ok(()), |fallback| {
                check(fallback, in_loop).map_err(|error| error.at_place(&"fallback"))
            })
        }
        _ => Ok(()),
    }
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Program, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    type P = Program<&'static str, u32>;

    fn refusal(program: &P) -> String {
        let error = program.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Program);
        error.to_string()
    }

    #[test]
    fn names_the_step_that_is_wrong() {
        assert_eq!(
            refusal(&P::new().recv::<u32>("Bob").end().send("Bob", 1)),
            "step 3 (send to Bob): can never run, it is behind `end`"
        );
        assert_eq!(
            refusal(&P::new().exit_loop()),
            "step 1 (exit loop): there is no loop around it to leave"
        );
        assert_eq!(
            refusal(&P::new().loop_inf(P::new())),
            "step 1 (endless loop): its body has no steps, so it would spin for ever"
        );
        assert_eq!(
            refusal(&P::new().branch("Bob", Vec::<(&str, P)>::new())),
            "step 1 (branch on Bob): it has no alternatives; give at least one"
        );
        assert_eq!(
            refusal(&P::new().branch("Bob", [("a", P::new()), ("a", P::new())])),
            "step 1 (branch on Bob): the label `a` stands there twice"
        );
        assert_eq!(
            refusal(&P::new().loop_n(2, P::new().parallel([P::new().exit_loop()]))),
            "step 1 (loop 2 times): step 1 (1 in parallel): program 1: step 1 (exit loop): \
             there is no loop around it to leave"
        );
    }

    #[test]
    fn an_exit_inside_a_branch_inside_a_loop_is_fine() {
        let stop = P::new().branch("Bob", [("stop", P::new().exit_loop()), ("go", P::new())]);
        assert!(P::new().loop_inf(stop).end().validate().is_ok());
    }
}
