//! The least a program can do and still be one of ours: start, and write one line. The bench compares with this.

fn main() {
    println!("{{\"Version\":1}}");
}
