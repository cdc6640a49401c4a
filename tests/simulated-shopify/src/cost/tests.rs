//! The weights of pages, as recorded answers show them.

use super::weight;

#[test]
fn the_weight_of_a_page_fits_every_recorded_page() {
    for (page, recorded) in
        [(1, 1), (5, 3), (10, 4), (20, 5), (50, 7), (100, 9), (200, 10), (250, 11)]
    {
        assert_eq!(weight(page), recorded, "a page of {page}");
    }
    assert_eq!(weight(0), 0);
}
