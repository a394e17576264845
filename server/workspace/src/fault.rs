//! Named points at which a test lets its own process die, as a power cut would. Nothing outside of tests.

#[cfg(test)]
pub(crate) const VARIABLE: &str = "GALLEY_TEST_DIE_AT";

#[cfg(test)]
pub(crate) fn point(name: &str) {
    if std::env::var(VARIABLE).is_ok_and(|wanted| wanted == name) {
        std::process::abort();
    }
}

#[cfg(not(test))]
pub(crate) fn point(_name: &str) {}
