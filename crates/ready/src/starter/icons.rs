//! Icons, as `data:` URIs of line drawings on a 24 by 24 grid.

macro_rules! icon {
    ($path:literal) => {
        concat!(
            "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20",
            "viewBox='0%200%2024%2024'%20fill='none'%20stroke='%231f8ab8'%20stroke-width='2'%3E",
            "%3Cpath%20d='",
            $path,
            "'/%3E%3C/svg%3E"
        )
    };
}

pub(super) const ANCHOR: &str = icon!("M12,7v14M5,12a7,9,0,0,0,14,0M8,10h8M12,7a2,2,0,1,1,.1,0");
pub(super) const BUBBLE: &str = icon!("M4,4h16v12H10l-4,4v-4H4z");
pub(super) const CHECK: &str = icon!("M4,12l6,6L20,6");
pub(super) const CLOCK: &str = icon!("M12,3a9,9,0,1,0,.1,0M12,7v5l3,3");
pub(super) const PAGE: &str = icon!("M6,3h9l3,3v15H6zM9,10h6M9,14h6");
pub(super) const PERSON: &str = icon!("M12,4a4,4,0,1,0,.1,0M4,21a8,7,0,0,1,16,0");
pub(super) const PICTURE: &str = icon!("M3,5h18v14H3zM3,16l5,-5,5,5,3,-3,5,5");
pub(super) const PLUS: &str = icon!("M12,4v16M4,12h16");
pub(super) const QUESTION: &str = icon!("M9,9a3,3,0,1,1,3,3v3M12,18v1");
pub(super) const SUMS: &str = icon!("M4,7h6M7,4v6M14,7h6M5,15l4,4M9,15l-4,4M14,16h6M14,19h6");
