//! One thread a product: what the libraries call it.
//!
//! The functions are looked up in the running program, so that it links with any CBLAS, whether it has them or not.

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::sync::Mutex;

/// A library's function that sets how many threads it uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThreadControl {
    name: &'static str,
    function: Function,
}

/// What is done with a number of threads, in the library's own types.
#[derive(Debug, Clone, Copy)]
enum Function {
    /// Of OpenBLAS until 0.3.26, and of FlexiBLAS.
    Int(unsafe extern "C" fn(c_int)),
    /// Of OpenBLAS from 0.3.27 on, and of MKL: returns what was set before.
    IntToInt(unsafe extern "C" fn(c_int) -> c_int),
    /// Of BLIS, whose `dim_t` is as wide as a pointer.
    Long(unsafe extern "C" fn(c_long)),
}

thread_local! {
    /// Whether this thread has asked for one thread: some libraries remember it for each.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

impl ThreadControl {
    /// The function of the library that is there, those for one thread alone before those for the whole process.
    #[cfg(unix)]
    pub(super) fn find() -> Option<Self> {
        use std::ffi::{CStr, c_void};
        use std::mem::transmute;

        enum Type {
            Int,
            IntToInt,
            Long,
        }
        const FUNCTIONS: [(&CStr, Type); 6] = [
            (c"openblas_set_num_threads_local", Type::IntToInt),
            (c"openblas_set_num_threads", Type::Int),
            (c"MKL_Set_Num_Threads_Local", Type::IntToInt),
            (c"bli_thread_set_num_threads", Type::Long),
            (c"flexiblas_set_num_threads", Type::Int),
            // Of Accelerate, from macOS 15 on: 1 is its name for a single thread.
            (c"BLASSetThreading", Type::IntToInt),
        ];
        FUNCTIONS.into_iter().find_map(|(symbol, of_type)| {
            // SAFETY: a name that ends with 0, looked up in what has been loaded.
            let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr()) };
            if address.is_null() {
                return None;
            }
            // SAFETY: the address is a function's, of the type with which its library declares it.
            let function = unsafe {
                match of_type {
                    Type::Int => Function::Int(transmute::<*mut c_void, unsafe extern "C" fn(c_int)>(address)),
                    Type::IntToInt => {
                        Function::IntToInt(transmute::<*mut c_void, unsafe extern "C" fn(c_int) -> c_int>(address))
                    }
                    Type::Long => Function::Long(transmute::<*mut c_void, unsafe extern "C" fn(c_long)>(address)),
                }
            };
            Some(Self { name: symbol.to_str().unwrap_or_default(), function })
        })
    }

    /// Nothing is looked up here: the library's environment variable says how many threads it uses.
    #[cfg(not(unix))]
    pub(super) fn find() -> Option<Self> {
        None
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// Asks for one thread, the first time on each thread.
    #[inline]
    pub(super) fn once_on_this_thread(self) {
        if !ASKED.get() {
            self.ask();
            ASKED.set(true);
        }
    }

    #[cold]
    fn ask(self) {
        /// Libraries write a number of their own when asked, without a lock.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock();
        // SAFETY: the functions take any number of threads from 1 on.
        unsafe {
            match self.function {
                Function::Int(set) => set(1),
                Function::IntToInt(set) => {
                    set(1);
                }
                Function::Long(set) => set(1),
            }
        }
    }
}
