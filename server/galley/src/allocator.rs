//! The allocator of the whole process.
//!
//! Unsafe because that it can give memory back is only known to its C.
#![allow(unsafe_code)]

/// Every node of a syntax tree is asked for and given back, in Rust and in the parsers' C: this allocator, which stands in
/// for the system's in both, makes a cold index about a tenth cheaper.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives memory that is free back to the system, after work that needed much of it. By itself the allocator does so a
/// while later, when somebody asks for memory; in a server that is at rest nobody does.
pub fn give_back() {
    // Safety: takes no pointer, may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
