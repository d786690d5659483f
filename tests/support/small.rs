//! The example's method file, made small: any two of three.

/// With further tables before the custodians.
pub(crate) fn two_of_three(tables: &str) -> String {
    let example = include_str!("../../custodian-kit/method.toml");
    let (head, custodians) = example.split_once("[[custodians]]").unwrap_or((example, ""));
    let head = head.replace("k = 3 ", "k = 2 ").replace("n = 5 ", "n = 3 ");
    let custodians: Vec<&str> = custodians.split("[[custodians]]").take(3).collect();
    format!("{head}{tables}\n[[custodians]]{}", custodians.join("[[custodians]]"))
}
