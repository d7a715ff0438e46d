//! The suites reject what breaks a promise: each check fails on at least one handler, layer,
//! transport or codec that is broken in just that way.

mod codecs;
mod fault;
mod handlers;
mod layers;
mod transports;

use choreo_testkit::Violation;

/// Asserts that a check found what it is there to find.
fn rejected(result: Result<(), Violation>, check: &str) {
    match result {
        Err(violation) => {
            choreo_testkit::__private::note(&violation.to_string());
            assert_eq!(violation.check(), check);
        }
        Ok(()) => panic!("{check} did not notice"),
    }
}

/// Makes a test of each pair of a fault and the check that must notice it.
macro_rules! rejections {
    ($checks:ident: $($test:ident: $faulty:expr => $check:ident;)*) => {
        $(choreo_testkit::__test!($test, async {
            let result = choreo_testkit::$checks::$check(&$faulty).await;
            $crate::faulty::rejected(result, stringify!($check));
            Ok(())
        });)*

        choreo_testkit::__test!(each_check_notices_some_fault, async {
            let covered = [$(stringify!($check)),*];
            for check in choreo_testkit::$checks::CHECKS {
                assert!(covered.contains(check), "no fault makes {check} fail");
            }
            Ok(())
        });
    };
}
pub(crate) use rejections;
