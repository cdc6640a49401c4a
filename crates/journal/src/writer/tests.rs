//! What goes into one group, and that every answer comes after its commit.

use super::*;
use crate::append::NewEntry;
use crate::testing::{Place, sale};

fn waiting(entries: impl IntoIterator<Item = NewEntry>) -> Append {
    let entries = entries.into_iter().map(|new| Prepared::new(new).unwrap()).collect();
    let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    Append { entries, answer: oneshot::channel().0, _room: room }
}

fn beside(file: &JournalFile) -> Beside {
    let published = Arc::new(Published::new(file.state().clone()));
    let checkpointer = Checkpointer::start(file.source()).unwrap();
    let copy = Arc::clone(file.head_copy());
    let reserve = Arc::clone(file.reserve());
    let keeper = Keeper::start(file.source(), copy, Arc::clone(&published), reserve).unwrap();
    let readers = Readers::new(Arc::clone(file.source()));
    Beside { published, checkpointer, keeper, readers }
}

fn gathered(requests: Vec<Request>) -> (Vec<usize>, Option<Request>) {
    let (send, mut queue) = mpsc::channel(100);
    for request in requests {
        assert!(send.try_send(request).is_ok(), "the queue has room");
    }
    let (group, next) = gather(waiting([sale(0)]), &mut queue);
    (group.iter().map(|append| append.entries.len()).collect(), next)
}

#[test]
fn a_group_takes_whatever_waits() {
    let requests = (1..=9).map(|n| Request::Append(waiting([sale(n), sale(100 + n)])));
    let (group, next) = gathered(requests.collect());
    assert_eq!(group, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert!(next.is_none());
}

#[test]
fn a_full_group_leaves_the_rest_to_the_next_and_cuts_no_request() {
    let large = (0..policy::GROUP_ENTRIES_MAX - 1).map(|n| sale(u128::try_from(n).unwrap()));
    let requests = vec![Request::Append(waiting(large)), Request::Append(waiting([sale(7)]))];
    let (group, next) = gathered(requests);
    assert_eq!(group, [1, policy::GROUP_ENTRIES_MAX - 1]);
    assert!(matches!(next, Some(Request::Append(append)) if append.entries.len() == 1));
}

#[test]
fn another_change_ends_a_group_and_keeps_its_turn() {
    let requests = vec![
        Request::Append(waiting([sale(1)])),
        Request::Change(Box::new(|_| Box::new(|| ()))),
        Request::Append(waiting([sale(2)])),
    ];
    let (group, next) = gathered(requests);
    assert_eq!(group, [1, 1]);
    assert!(matches!(next, Some(Request::Change(_))));
}

#[test]
fn the_head_is_shown_before_anyone_is_answered() {
    let place = Place::new();
    let mut file = place.open();
    let beside = beside(&file);
    let published = &beside.published;
    let head = published.head.subscribe();
    let (answer, mut answered) = oneshot::channel();
    let group = vec![Append { answer, ..waiting([sale(1)]) }];
    assert!(answered.try_recv().is_err());
    write_group(&mut file, group, &beside);
    let [Ok(Appended::New { position })] = answered.try_recv().unwrap()[..] else {
        panic!("not journaled")
    };
    assert_eq!((*head.borrow(), published.state().head), (position, position));
    assert_eq!(place.crashed().open().state().head, position);
}
