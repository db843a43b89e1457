//! The calls into the system's MPI. All that is unsafe about it stands here, but for who hands a buffer over.

use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::mem::{MaybeUninit, take};
use std::process;
use std::ptr;

use ::mpi::environment::Universe;
use ::mpi::{Threading, ffi};

use super::notice::Notice;
use crate::collective::{CollectiveFault, Numbers};

/// What goes over buffers of the library's own, in bytes: parts of no more than this.
///
/// Where a rank leaves, the sums of the others stay unfinished, and MPI cannot take them back: it may write to their buffers as
/// long as the process lives. So what is waited for with a way out goes through buffers that are never freed. Larger parts are
/// not copied; all ranks meet before them, so that what has begun will end. On one machine the one costs as much as the other from
/// some KiB on, and over a network, where meeting is one message more in time, from some ten.
pub(super) const STAGED: usize = 33 << 10;

/// The numbers that one call is given. MPI counts them in an `int`, and some of what is under it counts bytes so.
const CALL: usize = 1 << 26;

/// The tag of notices.
const NOTICE: c_int = 1;

/// The system's MPI as this process sees it, behind a mutex.
pub(super) struct World {
    /// For sums, broadcasts and barriers.
    sums: ffi::MPI_Comm,
    /// For what ranks say when they leave, whatever the others wait for.
    notices: ffi::MPI_Comm,
    /// [`STAGED`] bytes each that are never freed, and what is under way over them.
    own: *mut u8,
    sum: *mut u8,
    staged: Option<Request>,
    /// What was handed over: until all ranks have met, and under way.
    meeting: Option<Request>,
    queue: Vec<Route>,
    flights: Vec<Request>,
    /// What MPI said of one of them. None is started after that.
    fault: Option<CollectiveFault>,
    /// The sum over all ranks of whether they have failed, on its way.
    farewell: Option<(Request, *const f64)>,
}

// SAFETY: MPI was initialised for calls from any thread, one at a time, and its handles are good on all of them: who has the
// `World` calls, and it is behind a mutex. The buffers belong to it alone and to what MPI does with them. What `queue` points to
// stays where it is on whichever thread it is used (`hand_over`).
unsafe impl Send for World {}

/// What was started and is not complete.
struct Request(ffi::MPI_Request);

/// A part that goes from rank to rank.
pub(super) struct Transfer<'g> {
    route: Route,
    borrowed: PhantomData<&'g mut ()>,
}

/// From where it goes and to where.
#[derive(Clone, Copy)]
enum Route {
    Sum { own: *const u8, sum: *mut u8, kind: Kind, len: usize },
    Broadcast { bytes: *mut u8, len: usize, root: c_int },
}

#[derive(Clone, Copy)]
enum Kind {
    F32,
    F64,
}

impl<'g> Transfer<'g> {
    /// A sum, if there are as many sums as numbers.
    pub(super) fn sum(part: Numbers<'g>) -> Result<Self, CollectiveFault> {
        let len = part.checked_len()?;
        let route = match part {
            Numbers::F32 { own, sum } => {
                Route::Sum { own: own.as_ptr().cast(), sum: sum.as_mut_ptr().cast(), kind: Kind::F32, len }
            }
            Numbers::F64 { own, sum } => {
                Route::Sum { own: own.as_ptr().cast(), sum: sum.as_mut_ptr().cast(), kind: Kind::F64, len }
            }
        };
        Ok(Self { route, borrowed: PhantomData })
    }

    /// What `root` has in its `bytes`, to those of all.
    pub(super) fn broadcast(bytes: &'g mut [u8], root: usize) -> Self {
        let route = Route::Broadcast { bytes: bytes.as_mut_ptr(), len: bytes.len(), root: int(root) };
        Self { route, borrowed: PhantomData }
    }

    pub(super) fn bytes(&self) -> usize {
        self.route.numbers() * self.route.number_bytes()
    }
}

impl Route {
    fn numbers(&self) -> usize {
        match *self {
            Self::Sum { len, .. } | Self::Broadcast { len, .. } => len,
        }
    }

    fn number_bytes(&self) -> usize {
        match self {
            Self::Sum { kind: Kind::F32, .. } => size_of::<f32>(),
            Self::Sum { kind: Kind::F64, .. } => size_of::<f64>(),
            Self::Broadcast { .. } => 1,
        }
    }
}

impl World {
    /// Starts MPI, on the thread that will end it, which happens where the `Universe` is dropped. Says the rank and the number
    /// of ranks, too.
    pub(super) fn start() -> Result<(Universe, Self, usize, usize), CollectiveFault> {
        let Some((universe, threading)) = ::mpi::initialize_with_threading(Threading::Serialized) else {
            return Err(CollectiveFault::Started);
        };
        if threading < Threading::Serialized {
            return Err(CollectiveFault::Threads { found: format!("{threading:?}") });
        }
        let operation = "start";
        // Of 8-byte numbers, as they must be aligned.
        let buffer = || Box::leak(vec![0_u64; STAGED / size_of::<u64>()].into_boxed_slice()).as_mut_ptr().cast();
        let duplicate = || {
            let mut copy = MaybeUninit::uninit();
            // SAFETY: MPI is initialised, and no other thread knows of it yet. The duplicate is written where the call succeeds.
            unsafe {
                check(operation, ffi::MPI_Comm_dup(ffi::RSMPI_COMM_WORLD, copy.as_mut_ptr()))?;
                let copy = copy.assume_init();
                check(operation, ffi::MPI_Comm_set_errhandler(copy, ffi::RSMPI_ERRORS_RETURN))?;
                Ok(copy)
            }
        };
        let (sums, notices) = (duplicate()?, duplicate()?);
        let (mut rank, mut size) = (0, 0);
        // SAFETY: the communicator was made above; the pointers are to variables that outlive the calls.
        unsafe {
            check(operation, ffi::MPI_Comm_rank(sums, &raw mut rank))?;
            check(operation, ffi::MPI_Comm_size(sums, &raw mut size))?;
        }
        let world = Self {
            sums,
            notices,
            own: buffer(),
            sum: buffer(),
            staged: None,
            meeting: None,
            queue: Vec::new(),
            flights: Vec::new(),
            fault: None,
            farewell: None,
        };
        Ok((universe, world, rank as usize, size as usize))
    }

    /// Starts a transfer over the library's own buffers.
    ///
    /// # Panics
    /// Where it has more than [`STAGED`] bytes, or another is under way.
    pub(super) fn start_staged(
        &mut self,
        operation: &'static str,
        transfer: &Transfer<'_>,
    ) -> Result<(), CollectiveFault> {
        let bytes = transfer.bytes();
        assert!(bytes <= STAGED && self.staged.is_none(), "{operation}: {bytes} bytes over a buffer of {STAGED}");
        let (from, staged) = match transfer.route {
            Route::Sum { own, kind, len, .. } => (own, Route::Sum { own: self.own, sum: self.sum, kind, len }),
            Route::Broadcast { bytes, len, root } => {
                (bytes.cast_const(), Route::Broadcast { bytes: self.sum, len, root })
            }
        };
        let to = if matches!(staged, Route::Sum { .. }) { self.own } else { self.sum };
        // SAFETY: `from` is that many bytes, which the transfer has borrowed; the buffer has room for them, is another allocation,
        // and MPI is through with it, as nothing is under way.
        unsafe { ptr::copy_nonoverlapping(from, to, bytes) };
        // SAFETY: the buffers are never freed, and nothing touches them until `staged` is complete.
        let request = unsafe { self.start_route(operation, staged, 0, staged.numbers())? };
        self.staged = Some(request);
        Ok(())
    }

    /// Starts to wait for all ranks, as [`Self::start_staged`].
    pub(super) fn start_barrier(&mut self, operation: &'static str) -> Result<(), CollectiveFault> {
        assert!(self.staged.is_none(), "{operation}: another transfer is under way");
        self.staged = Some(self.barrier(operation)?);
        Ok(())
    }

    /// Whether what was started so is complete. MPI moves everything on meanwhile.
    pub(super) fn test_staged(&mut self, operation: &'static str) -> Result<bool, CollectiveFault> {
        let Some(mut request) = self.staged.take() else { return Ok(true) };
        let done = test(operation, &mut request)?;
        if !done {
            self.staged = Some(request);
        }
        Ok(done)
    }

    /// Fetches what the transfer that [`Self::start_staged`] was given has brought.
    ///
    /// # Panics
    /// Where it has more than [`STAGED`] bytes, or is not complete.
    pub(super) fn fetch(&mut self, transfer: &mut Transfer<'_>) {
        let bytes = transfer.bytes();
        assert!(bytes <= STAGED && self.staged.is_none(), "{bytes} bytes from a buffer of {STAGED}");
        let (Route::Sum { sum: to, .. } | Route::Broadcast { bytes: to, .. }) = transfer.route;
        // SAFETY: `to` is that many bytes that the transfer has borrowed alone. The buffer has as many, is another allocation, and
        // MPI is through with it.
        unsafe { ptr::copy_nonoverlapping(self.sum, to, bytes) };
    }

    /// Starts numbers `from..from + len` of a route.
    ///
    /// # Safety
    /// Its buffers stay where they are until the request is complete. Until then nobody writes to what is read and touches what
    /// is written.
    unsafe fn start_route(
        &self,
        operation: &'static str,
        route: Route,
        from: usize,
        len: usize,
    ) -> Result<Request, CollectiveFault> {
        assert!(len <= CALL && from + len <= route.numbers(), "{len} numbers from {from} on");
        let first = from * route.number_bytes();
        let mut request = MaybeUninit::uninit();
        // SAFETY: as was asserted, so many numbers of this type are there from `first` on; the buffers stay as the caller
        // guarantees; the communicator is open; the request is written where the call succeeds.
        unsafe {
            let code = match route {
                Route::Sum { own, sum, kind, .. } => {
                    let (own, sum): (*const c_void, *mut c_void) = (own.add(first).cast(), sum.add(first).cast());
                    let datatype = match kind {
                        Kind::F32 => ffi::RSMPI_FLOAT,
                        Kind::F64 => ffi::RSMPI_DOUBLE,
                    };
                    let add = ffi::RSMPI_SUM;
                    ffi::MPI_Iallreduce(own, sum, int(len), datatype, add, self.sums, request.as_mut_ptr())
                }
                Route::Broadcast { bytes, root, .. } => {
                    let (bytes, datatype) = (bytes.add(first).cast(), ffi::RSMPI_UINT8_T);
                    ffi::MPI_Ibcast(bytes, int(len), datatype, root, self.sums, request.as_mut_ptr())
                }
            };
            check(operation, code)?;
            Ok(Request(request.assume_init()))
        }
    }

    fn barrier(&self, operation: &'static str) -> Result<Request, CollectiveFault> {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the communicator is open; there is no buffer; the request is written where the call succeeds.
        unsafe {
            check(operation, ffi::MPI_Ibarrier(self.sums, request.as_mut_ptr()))?;
            Ok(Request(request.assume_init()))
        }
    }

    /// Starts to wait until all ranks have come to this, before what is handed over next.
    pub(super) fn meet(&mut self, operation: &'static str) -> Result<(), CollectiveFault> {
        self.meeting = Some(self.barrier(operation)?);
        Ok(())
    }

    /// Starts `transfer` as soon as the ranks have met.
    ///
    /// # Safety
    /// Its buffers stay where they are until [`Self::advance`] says that all is complete or [`Self::forget_queue`] that nothing
    /// has begun. Until then nobody writes to what is read and touches what is written.
    pub(super) unsafe fn hand_over(&mut self, transfer: Transfer<'_>) {
        if self.fault.is_none() {
            self.queue.push(transfer.route);
        }
    }

    /// Moves on what was handed over: whether all of it is complete.
    pub(super) fn advance(&mut self, operation: &'static str) -> bool {
        if let Some(mut meeting) = self.meeting.take() {
            match test(operation, &mut meeting) {
                Ok(true) => {}
                Ok(false) => self.meeting = Some(meeting),
                Err(fault) => self.stop(fault),
            }
        }
        if self.meeting.is_none() {
            for route in take(&mut self.queue) {
                self.take_off(operation, route);
            }
        }
        let mut flights = take(&mut self.flights);
        flights.retain_mut(|request| match test(operation, request) {
            Ok(done) => !done,
            Err(fault) => {
                self.stop(fault);
                false
            }
        });
        self.flights = flights;
        self.meeting.is_none() && self.flights.is_empty()
    }

    /// How many things have not come to their end.
    pub(super) fn under_way(&self) -> usize {
        usize::from(self.meeting.is_some()) + self.queue.len() + self.flights.len()
    }

    fn take_off(&mut self, operation: &'static str, route: Route) {
        for from in (0..route.numbers()).step_by(CALL) {
            if self.fault.is_some() {
                return;
            }
            // SAFETY: who has handed it over guarantees it.
            match unsafe { self.start_route(operation, route, from, CALL.min(route.numbers() - from)) } {
                Ok(request) => self.flights.push(request),
                Err(fault) => self.stop(fault),
            }
        }
    }

    fn stop(&mut self, fault: CollectiveFault) {
        self.queue.clear();
        self.fault.get_or_insert(fault);
    }

    /// What MPI has said of what was handed over.
    pub(super) fn take_fault(&mut self) -> Option<CollectiveFault> {
        self.fault.take()
    }

    pub(super) fn have_met(&self) -> bool {
        self.meeting.is_none()
    }

    /// Whether the ranks have not met yet. Then what was handed over is forgotten: MPI has never heard of it.
    pub(super) fn forget_queue(&mut self) -> bool {
        if !self.have_met() {
            self.queue.clear();
        }
        !self.have_met()
    }

    /// Tells another rank, without waiting until it listens.
    pub(super) fn send_notice(&mut self, notice: &Notice, rank: usize) -> Result<(), CollectiveFault> {
        // So few are sent in the life of a process that they may stay.
        let text: &'static [u8] = Box::leak(notice.to_bytes().into_boxed_slice());
        let mut request = MaybeUninit::uninit();
        // SAFETY: the text is never freed nor written, and has so many bytes; the communicator is open. The request is written
        // where the call succeeds, and given back at once: MPI ends it by itself.
        unsafe {
            let (bytes, datatype, to) = (text.as_ptr().cast(), ffi::RSMPI_UINT8_T, int(rank));
            let len = int(text.len());
            let code = ffi::MPI_Isend(bytes, len, datatype, to, NOTICE, self.notices, request.as_mut_ptr());
            check("leave", code)?;
            check("leave", ffi::MPI_Request_free(request.as_mut_ptr()))
        }
    }

    /// What another rank has said, if one has. MPI moves everything on meanwhile.
    pub(super) fn notice(&mut self, operation: &'static str) -> Result<Option<Notice>, CollectiveFault> {
        let (mut there, mut len) = (0, 0);
        let mut status = MaybeUninit::<ffi::MPI_Status>::uninit();
        // SAFETY: the pointers are to variables that outlive the calls. The status is written where there is a message, and only
        // then read. The message is received from who has sent it, into as many bytes as it has.
        unsafe {
            let any = ffi::RSMPI_ANY_SOURCE;
            check(operation, ffi::MPI_Iprobe(any, NOTICE, self.notices, &raw mut there, status.as_mut_ptr()))?;
            if there == 0 {
                return Ok(None);
            }
            let datatype = ffi::RSMPI_UINT8_T;
            check(operation, ffi::MPI_Get_count(status.as_ptr(), datatype, &raw mut len))?;
            let from = (*status.as_ptr()).MPI_SOURCE;
            let mut text = vec![0_u8; usize::try_from(len).unwrap_or(0)];
            let (to, ignore) = (text.as_mut_ptr().cast(), ffi::RSMPI_STATUS_IGNORE);
            check(operation, ffi::MPI_Recv(to, int(text.len()), datatype, from, NOTICE, self.notices, ignore))?;
            Ok(Some(Notice::from_bytes(&text, usize::try_from(from).unwrap_or(0))))
        }
    }

    /// Asks whether any rank has failed, which is known when all have come to their end and asked; until then `None`.
    pub(super) fn farewell(&mut self, failed: bool) -> Result<Option<bool>, CollectiveFault> {
        let operation = "end";
        if self.farewell.is_none() {
            let own = Box::leak(Box::new(f64::from(u8::from(failed))));
            let sum: *mut f64 = Box::leak(Box::new(0.0));
            let mut request = MaybeUninit::uninit();
            // SAFETY: numbers that are never freed, and not touched before the request is complete; the communicator is open; the
            // request is written where the call succeeds.
            let request = unsafe {
                let (own, to) = (ptr::from_mut(own).cast_const().cast(), sum.cast());
                let (datatype, add) = (ffi::RSMPI_DOUBLE, ffi::RSMPI_SUM);
                check(operation, ffi::MPI_Iallreduce(own, to, 1, datatype, add, self.notices, request.as_mut_ptr()))?;
                Request(request.assume_init())
            };
            self.farewell = Some((request, sum));
        }
        let Some((request, sum)) = &mut self.farewell else { return Ok(None) };
        if !test(operation, request)? {
            return Ok(None);
        }
        // SAFETY: MPI is through with it.
        Ok(Some(unsafe { sum.read() } != 0.0))
    }

    /// Ends the job at once.
    pub(super) fn abort(&mut self) -> ! {
        // SAFETY: the communicator is open.
        unsafe { ffi::MPI_Abort(self.sums, 1) };
        // Should it return.
        process::abort()
    }
}

/// Whether a request is complete; MPI moves everything on meanwhile. An error is that of a request that has come to an end, too:
/// OpenMPI and MPICH look for it in requests that are complete, and give them back.
fn test(operation: &'static str, request: &mut Request) -> Result<bool, CollectiveFault> {
    let mut done = 0;
    // SAFETY: the request was started. Once complete it is MPI's null request, of which it is said that it is complete.
    let code = unsafe { ffi::MPI_Test(&raw mut request.0, &raw mut done, ffi::RSMPI_STATUS_IGNORE) };
    check(operation, code)?;
    Ok(done != 0)
}

/// A length or a rank, which are known to fit.
fn int(number: usize) -> c_int {
    c_int::try_from(number).unwrap_or(c_int::MAX)
}

/// What MPI says of a code that is no success.
fn check(operation: &'static str, code: c_int) -> Result<(), CollectiveFault> {
    if code == ffi::MPI_SUCCESS as c_int {
        return Ok(());
    }
    let mut text = [0 as c_char; ffi::MPI_MAX_ERROR_STRING as usize];
    let mut len = 0;
    // SAFETY: the buffer is as long as MPI asks for.
    unsafe { ffi::MPI_Error_string(code, text.as_mut_ptr(), &raw mut len) };
    let text: Vec<u8> = text.iter().take(usize::try_from(len).unwrap_or(0)).map(|&letter| letter as u8).collect();
    Err(CollectiveFault::System { operation, reason: String::from_utf8_lossy(&text).into_owned() })
}
