//! What the running agent is made of.
mod data_dir;
pub use self::data_dir::DataDir;
