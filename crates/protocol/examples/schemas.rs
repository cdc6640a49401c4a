//! Writes every JSON Schema into the folder that is named as the only argument.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: schemas FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for (name, schema) in protocol::schemas::all() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema)?);
        #[expect(clippy::disallowed_methods, reason = "generated files can be generated again")]
        std::fs::write(folder.join(format!("{name}.json")), text)?;
    }
    Ok(())
}
