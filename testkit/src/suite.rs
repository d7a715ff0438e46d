use crate::{
    ErasedFixture, LayerUnderTest, TransportFixture, Violation, handler, layer, platform, promise,
    transport,
};

/// Tests a handler: one named test for each promise of the contract.
///
/// Takes a [`HandlerFixture`](crate::HandlerFixture), and a name where several suites stand side
/// by side. The tests are ordinary ones natively, and `wasm_bindgen_test`s on wasm. See
/// [`handler`](mod@crate::handler) for the promises.
///
/// ```
/// use choreo_core::RoleName;
/// use choreo_testkit::{from_fn, handler_suite, reference_session};
///
/// handler_suite!(of_one, from_fn(
///     ["Alice", "Bob", "Carol"].map(RoleName::from), 1, |roles| reference_session(roles, 1),
/// ));
/// handler_suite!(of_many, from_fn(
///     ["Alice", "Bob", "Carol"].map(RoleName::from), 100, |roles| reference_session(roles, 100),
/// ));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! handler_suite {
    ($fixture:expr $(,)?) => {
        $crate::handler_suite!(handler_suite, $fixture);
    };
    ($name:ident, $fixture:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            // Once, so that a fixture that does not fit is one error.
            fn __fixture() -> impl $crate::HandlerFixture {
                $fixture
            }

            $crate::__handler_checks!(__handler_tests, __fixture());
        }
    };
}

/// Tests a layer: one named test for each promise.
///
/// Takes a layer that wraps any handler, and a name where several suites stand side by side. The
/// promises of a layer come first (see [`layer`](mod@crate::layer)); then, in the module
/// `as_a_handler`, those of a handler, over one that the layer wraps. Each test makes its own
/// layer from the expression.
///
/// ```
/// use choreo_testkit::layer_suite;
/// # use choreo_core::Layer;
/// # #[derive(Default)]
/// # struct MyLayer;
/// # impl MyLayer { fn loud() -> Self { Self } }
/// # impl<H> Layer<H> for MyLayer { type Service = H; fn layer(&self, inner: H) -> H { inner } }
///
/// layer_suite!(MyLayer::default());
/// layer_suite!(loud, MyLayer::loud());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! layer_suite {
    ($layer:expr $(,)?) => {
        $crate::layer_suite!(layer_suite, $layer);
    };
    ($name:ident, $layer:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            // Once, so that a layer that does not fit is one error.
            fn __layer() -> impl $crate::LayerUnderTest {
                $layer
            }

            $crate::__layer_checks!(__layer_tests, __layer());
            $crate::handler_suite!(as_a_handler, $crate::Layered(__layer()));
        }
    };
}

/// Tests a transport, and what connects it: one named test for each promise of the contract.
///
/// Takes a [`TransportFixture`](crate::TransportFixture), and a name where several suites stand
/// side by side. See [`transport`](mod@crate::transport) for the promises. Each test makes its own
/// fixture from the expression.
///
/// ```
/// use choreo_testkit::{from_pairs, reference_pair, transport_suite};
///
/// transport_suite!(of_one, from_pairs(1, || reference_pair(1)));
/// transport_suite!(of_many, from_pairs(100, || reference_pair(100)));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! transport_suite {
    ($fixture:expr $(,)?) => {
        $crate::transport_suite!(transport_suite, $fixture);
    };
    ($name:ident, $fixture:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            // Once, so that a fixture that does not fit is one error.
            fn __fixture() -> impl $crate::TransportFixture {
                $fixture
            }

            $crate::__transport_checks!(__transport_tests, __fixture());
        }
    };
}

/// Tests a codec: one named test for each promise of the contract.
///
/// Takes a [`Codec`](choreo_core::Codec), and a name where several suites stand side by side. See
/// [`codec`](mod@crate::codec) for the promises.
///
/// ```
/// use choreo_core::Codec;
/// use choreo_testkit::codec_suite;
///
/// codec_suite!(Codec::Postcard);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! codec_suite {
    ($codec:expr $(,)?) => {
        $crate::codec_suite!(codec_suite, $codec);
    };
    ($name:ident, $codec:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__codec_checks!(__codec_tests, $codec);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __codec_tests {
    ($codec:expr; $($check:ident),*) => {
        $($crate::__test!($check, async { $crate::codec::$check(&$codec).await });)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __transport_tests {
    ($fixture:expr; $($check:ident),*) => {
        $($crate::__test!($check, async {
            let fixture = $fixture;
            if $crate::__private::skip_transport(&fixture, ::core::stringify!($check))? {
                return ::core::result::Result::Ok(());
            }
            $crate::transport::$check(&fixture).await
        });)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __layer_tests {
    ($layer:expr; $($check:ident),*) => {
        $($crate::__test!($check, async {
            let layer = $layer;
            if $crate::__private::skip_layer(&layer, ::core::stringify!($check))? {
                return ::core::result::Result::Ok(());
            }
            $crate::layer::$check(&layer).await
        });)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __handler_tests {
    ($fixture:expr; $($check:ident: $roles:literal),*) => {
        $($crate::__test!($check, async {
            let fixture = $fixture;
            if $crate::__private::skip(&fixture, ::core::stringify!($check), $roles)? {
                return ::core::result::Result::Ok(());
            }
            $crate::handler::$check(&fixture).await
        });)*
    };
}

/// Whether the fixture cannot run a check of a handler, which is then said.
///
/// # Errors
/// When the fixture names a check that there is not.
pub fn skip(
    fixture: &dyn ErasedFixture,
    check: &'static str,
    roles: usize,
) -> Result<bool, Violation> {
    let settings = fixture.settings();
    if refused(&settings.cannot, check, handler::CHECKS)? {
        return Ok(true);
    }
    let there_are = settings.roles.len();
    if there_are < roles {
        let why = format!("it needs {roles} roles, the fixture has {there_are}");
        skipped(check, &why);
    }
    Ok(there_are < roles)
}

/// Whether a layer cannot keep a promise, which is then said.
///
/// # Errors
/// When the layer names a check that there is not.
pub fn skip_layer(layer: &dyn LayerUnderTest, check: &'static str) -> Result<bool, Violation> {
    refused(&layer.cannot(), check, layer::CHECKS)
}

/// Whether the fixture cannot run a check of a transport, which is then said.
///
/// # Errors
/// When the fixture names a check that there is not.
pub fn skip_transport(
    fixture: &dyn TransportFixture,
    check: &'static str,
) -> Result<bool, Violation> {
    refused(&fixture.cannot(), check, transport::CHECKS)
}

fn refused(
    cannot: &[(&str, &str)],
    check: &'static str,
    there_are: &[&str],
) -> Result<bool, Violation> {
    if let Some((unknown, _)) = cannot.iter().find(|(name, _)| !there_are.contains(name)) {
        let there_are = there_are.join(", ");
        return Err(Violation::new(
            check,
            promise::FIXTURE,
            format_args!("`cannot` names {unknown:?}; there are: {there_are}"),
        ));
    }
    let why = cannot.iter().find(|(name, _)| *name == check);
    if let Some((_, why)) = why {
        skipped(check, why);
    }
    Ok(why.is_some())
}

fn skipped(check: &str, why: &str) {
    platform::note(&format!("{check}: skipped: {why}"));
}
