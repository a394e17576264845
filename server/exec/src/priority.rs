//! Threads that work behind everything else.

/// How much longer a thread waits for its turn that gives way: a tenth of an ordinary thread's share where both want it.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lets the calling thread, and every thread that it starts later, give way to all others. There is no way back.
///
/// Does nothing where a thread has no priority of its own.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Where it is not allowed, the thread works on as others do.
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_and_those_it_starts_give_way() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let both = std::thread::spawn(move || {
            give_way();
            (nice(), std::thread::spawn(nice).join().unwrap())
        });
        let expected = NICE.max(before);
        assert_eq!(both.join().unwrap(), (expected, expected));
        assert_eq!(nice(), before);
    }
}
