use crate::{Branch, Global, RoleDecl, Step};

impl Global {
    /// The protocol with so many members in each family of that count: they become roles of their
    /// own, `Worker(0)`, `Worker(1)` and so on, and what a family does each of them does, in turn.
    ///
    /// If the protocol is accepted, so is this, whatever the number (of 1 or more) is, and the part
    /// of each member is that of its family.
    ///
    /// ```
    /// use choreo_protocol::{Global, Step};
    ///
    /// let farm = Global::new("Farm")
    ///     .role("Master")
    ///     .family("Worker", "n")
    ///     .then(Step::message("Master", "Worker", "Task"))
    ///     .then(Step::message("Worker", "Master", "Done"));
    /// farm.check()?;
    /// let master = farm.with_count("n", 2).project("Master")?;
    /// assert_eq!(master.to_string(), "\
    /// Master {
    ///     Master -> Worker(0): Task;
    ///     Master -> Worker(1): Task;
    ///     Worker(0) -> Master: Done;
    ///     Worker(1) -> Master: Done;
    /// }");
    /// # Ok::<(), choreo_protocol::Fault>(())
    /// ```
    #[must_use]
    pub fn with_count(&self, count: &str, members: usize) -> Self {
        let families = self.roles.iter();
        let families = families.filter(|role| role.count.as_deref() == Some(count));
        families.fold(self.clone(), |global, family| {
            global.expanded(&family.name, members)
        })
    }

    /// With a role that has become several.
    fn expanded(self, family: &str, members: usize) -> Self {
        let Self {
            name,
            doc,
            roles,
            steps,
        } = self;
        let roles = roles.into_iter().flat_map(|role| {
            let names = match role.name == family {
                true => member_names(family, members),
                false => return vec![role],
            };
            let names = names.into_iter().map(|name| RoleDecl {
                name,
                doc: role.doc.clone(),
                count: None,
            });
            names.collect()
        });
        Self {
            name,
            doc,
            roles: roles.collect(),
            steps: all(&steps, family, members),
        }
    }
}

fn member_names(family: &str, members: usize) -> Vec<String> {
    (0..members)
        .map(|number| format!("{family}({number})"))
        .collect()
}

fn all(steps: &[Step], family: &str, members: usize) -> Vec<Step> {
    let steps = steps.iter();
    steps.flat_map(|step| one(step, family, members)).collect()
}

/// What becomes of a step when a role becomes several.
fn one(step: &Step, family: &str, members: usize) -> Vec<Step> {
    let members_of = |role: &String| match role == family {
        true => member_names(family, members),
        false => vec![role.clone()],
    };
    let all = |steps: &[Step]| all(steps, family, members);
    vec![match step {
        Step::Message { from, to, message } => {
            let pairs = members_of(from).into_iter().flat_map(|from| {
                let to = members_of(to).into_iter();
                to.map(move |to| (from.clone(), to))
            });
            let steps = pairs.map(|(from, to)| Step::message(from, to, message.clone()));
            return steps.collect();
        }
        Step::Choice { at, to, branches } => Step::Choice {
            at: at.clone(),
            to: to.iter().flat_map(members_of).collect(),
            branches: branches
                .iter()
                .map(|branch| Branch::new(&*branch.label, all(&branch.steps)))
                .collect(),
        },
        Step::Loop { name, steps } => Step::again(name, all(steps)),
        Step::Parallel(branches) => {
            Step::Parallel(branches.iter().map(|steps| all(steps)).collect())
        }
        Step::Call { protocol, roles } => {
            // Whoever plays a role of the other protocol, plays it as often there.
            let mut protocol = protocol.clone();
            let declared = protocol.roles.clone();
            for (declared, plays) in declared.iter().zip(roles) {
                if plays == family {
                    *protocol = protocol.expanded(&declared.name, members);
                }
            }
            Step::Call {
                protocol,
                roles: roles.iter().flat_map(members_of).collect(),
            }
        }
        Step::Break(_) | Step::Continue(_) => step.clone(),
    }]
}
