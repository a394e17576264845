//! What a row of the table is.

use std::io;

use crate::inside::Inside;
use crate::machine::Machine;

/// A piece of a command, run inside: it tries to get out, and answers well when it did.
pub type Attempt = fn(&Inside) -> io::Result<()>;

/// One way out.
#[derive(Clone, Copy)]
pub struct Escape {
    pub name: &'static str,
    pub attempt: Attempt,
    /// Why it cannot work here even without a sandbox, if so.
    pub needs: fn() -> Option<String>,
    /// Why Landlock cannot refuse it.
    pub beyond_landlock: Option<&'static str>,
    pub then: Then,
    /// Whether a grant of the whole network must hold it too, since it is not what was granted.
    pub held_with_network: bool,
}

/// How it is known whether it got out.
#[derive(Clone, Copy)]
pub enum Then {
    /// The attempt says so, or something outside was touched.
    Said,
    /// Something outside was touched; that the attempt worked does not say where.
    Touched,
    /// Something of it is still there, seen from outside when the command has ended.
    Left(fn(&Machine) -> bool),
    /// The next command, in another shadow, finds what it left.
    Found(Attempt),
}

pub const fn escape(name: &'static str, attempt: Attempt) -> Escape {
    Escape {
        name,
        attempt,
        needs: || None,
        beyond_landlock: None,
        then: Then::Said,
        held_with_network: false,
    }
}

impl Escape {
    pub const fn needs(self, needs: fn() -> Option<String>) -> Escape {
        Escape { needs, ..self }
    }

    pub const fn beyond_landlock(self, why: &'static str) -> Escape {
        Escape { beyond_landlock: Some(why), ..self }
    }

    pub const fn held_with_network(self) -> Escape {
        Escape { held_with_network: true, ..self }
    }

    pub const fn touched(self) -> Escape {
        Escape { then: Then::Touched, ..self }
    }

    pub const fn left(self, seen: fn(&Machine) -> bool) -> Escape {
        Escape { then: Then::Left(seen), ..self }
    }

    pub const fn found(self, next: Attempt) -> Escape {
        Escape { then: Then::Found(next), ..self }
    }
}

/// All rows.
pub fn all() -> Vec<Escape> {
    let tables = [
        crate::files::TABLE,
        crate::secrets::TABLE,
        crate::processes::TABLE,
        crate::kernel::TABLE,
        crate::network::TABLE,
        crate::lasting::TABLE,
    ];
    tables.concat()
}
