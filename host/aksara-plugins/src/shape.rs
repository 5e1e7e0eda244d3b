//! Counts what a component consists of before it is compiled: little of a file can be much to compile.
//!
//! Nested components are counted as often as they are instantiated, since the compiler copies them in as often.

use wasmparser::{
    ComponentAlias, ComponentExport, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentType, ComponentTypeDeclaration, ComponentTypeRef, CompositeInnerType, CoreType, ElementItems,
    Encoding, FunctionBody, Instance, InstanceTypeDeclaration, Operator, Parser, Payload, RecGroup, TypeRef,
};

use crate::error::LoadError;
use crate::text::one_line;

/// What is counted, and how much of it is allowed: at least four times what the largest plugin of any SDK has.
#[derive(Clone, Copy)]
struct Limit {
    what: &'static str,
    allowed: u64,
}

const fn limit(what: &'static str, allowed: u64) -> Limit {
    Limit { what, allowed }
}

/// Core instances that one component may consist of. Those of Python, which are linked from libraries, have 38.
pub(crate) const CORE_INSTANCES_MAX: u32 = 64;

/// Tables that one component may consist of.
pub(crate) const TABLES_MAX: u32 = 8;

/// Linear memories that one component may consist of. Those of JavaScript have 3. Their sum is limited, by
/// `memory_bytes_max`.
pub(crate) const MEMORIES_MAX: u32 = 3;

const CORE_INSTANCES: Limit = limit("core instances", CORE_INSTANCES_MAX as u64);
const MEMORIES: Limit = limit("memories", MEMORIES_MAX as u64);
const TABLES: Limit = limit("tables", TABLES_MAX as u64);
const INSTANCES: Limit = limit("instances of components", 128);
const ITEMS: Limit = limit("items in components", 20_000);
const PARTS: Limit = limit("modules and components", 200);
const DEPTH: Limit = limit("levels of components inside of components", 50);
const CUSTOM: Limit = limit("custom sections", 200);
const TYPES: Limit = limit("types", 20_000);
const ARITY: Limit = limit("values of one function type", 100);
const FUNCTIONS: Limit = limit("functions", 100_000);
const LINKS: Limit = limit("imports and exports of modules", 50_000);
const GLOBALS: Limit = limit("globals", 10_000);
const SEGMENTS: Limit = limit("segments", 200_000);
const ELEMENTS: Limit = limit("elements of tables", 50_000);
const BODY: Limit = limit("bytes in one function", 2 << 20);
const LOCALS: Limit = limit("local variables in one function", 2_000);
const ALL_LOCALS: Limit = limit("local variables", 1_000_000);
const BLOCKS: Limit = limit("blocks in one function", 20_000);
const NESTING: Limit = limit("blocks inside of blocks", 6_000);
const TARGETS: Limit = limit("targets of jump tables in one function", 64_000);
const TABLE_OPERATIONS: Limit = limit("operations on tables in one function", 1_000);
const WAYS: Limit = limit("blocks times local variables", 10_000_000);

/// Refuses a component that has more of something than any honest plugin.
///
/// # Errors
/// [`LoadError::TooMuch`], which names it; [`LoadError::Compile`] for what cannot be read.
pub(crate) fn check(bytes: &[u8]) -> Result<(), LoadError> {
    let mut count = Count::default();
    for payload in Parser::new(0).parse_all(bytes) {
        count.payload(payload?)?;
    }
    Ok(())
}

impl From<wasmparser::BinaryReaderError> for LoadError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        LoadError::Compile(format!("failed to parse WebAssembly module: {}", one_line(&error)))
    }
}

impl Limit {
    fn check(self, found: u64) -> Result<(), LoadError> {
        let Limit { what, allowed } = self;
        if found > allowed { Err(LoadError::TooMuch { what, allowed }) } else { Ok(()) }
    }

    /// Adds to what was found before.
    fn add(self, found: &mut u64, more: u64) -> Result<(), LoadError> {
        *found = found.saturating_add(more);
        self.check(*found)
    }
}

/// What one instance of a module or component consists of, with all that is instantiated inside of it.
#[derive(Clone, Copy, Default)]
struct Size {
    core_instances: u64,
    memories: u64,
    tables: u64,
    instances: u64,
    items: u64,
}

impl Size {
    fn add(&mut self, other: &Size) {
        let pairs = [
            (&mut self.core_instances, other.core_instances),
            (&mut self.memories, other.memories),
            (&mut self.tables, other.tables),
            (&mut self.instances, other.instances),
            (&mut self.items, other.items),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }

    fn check(&self) -> Result<(), LoadError> {
        CORE_INSTANCES.check(self.core_instances)?;
        INSTANCES.check(self.instances)?;
        MEMORIES.check(self.memories)?;
        TABLES.check(self.tables)?;
        ITEMS.check(self.items)
    }
}

/// A module or a component that is being read.
#[derive(Default)]
struct Open {
    is_component: bool,
    size: Size,
    /// The modules and components that its own parts name by number; `None` for what comes from elsewhere.
    modules: Vec<Option<Size>>,
    components: Vec<Option<Size>>,
    /// The values of each function type of a module.
    arities: Vec<u64>,
}

#[derive(Default)]
struct Count {
    current: Open,
    /// What the current one is inside of, from the outside in; the first is around the file.
    outer: Vec<Open>,
    parts: u64,
    custom: u64,
    types: u64,
    functions: u64,
    links: u64,
    globals: u64,
    segments: u64,
    elements: u64,
    locals: u64,
    ways: u64,
}

impl Count {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(encoding),
            Payload::End(_) => {
                self.end();
                Ok(())
            }
            Payload::CustomSection(_) => CUSTOM.add(&mut self.custom, 1),
            Payload::CodeSectionEntry(body) => self.body(&body),
            Payload::TypeSection(types) => {
                for group in types {
                    self.core_types(&group?)?;
                }
                Ok(())
            }
            payload if self.current.is_component => self.component_section(payload),
            payload => self.module_section(payload),
        }
    }

    fn begin(&mut self, encoding: Encoding) -> Result<(), LoadError> {
        PARTS.add(&mut self.parts, 1)?;
        self.outer.push(std::mem::take(&mut self.current));
        DEPTH.check(self.outer.len() as u64)?;
        self.current.is_component = encoding == Encoding::Component;
        self.current.size.core_instances = u64::from(!self.current.is_component);
        Ok(())
    }

    fn end(&mut self) {
        let outer = self.outer.pop().unwrap_or_default();
        let Open { is_component, size, .. } = std::mem::replace(&mut self.current, outer);
        match is_component {
            true => self.current.components.push(Some(size)),
            false => self.current.modules.push(Some(size)),
        }
    }

    fn item(&mut self) -> Result<(), LoadError> {
        ITEMS.add(&mut self.current.size.items, 1)
    }

    fn module_section(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    LINKS.add(&mut self.links, 1)?;
                    if let TypeRef::Func(ty) = import.ty {
                        FUNCTIONS.add(&mut self.functions, 1)?;
                        let arity = self.arity(ty);
                        ALL_LOCALS.add(&mut self.locals, arity)?;
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    FUNCTIONS.add(&mut self.functions, 1)?;
                    let arity = self.arity(ty?);
                    ALL_LOCALS.add(&mut self.locals, arity)?;
                }
            }
            Payload::ExportSection(exports) => LINKS.add(&mut self.links, exports.count().into())?,
            Payload::TableSection(tables) => {
                TABLES.add(&mut self.current.size.tables, tables.count().into())?;
            }
            Payload::MemorySection(memories) => {
                MEMORIES.add(&mut self.current.size.memories, memories.count().into())?;
            }
            Payload::GlobalSection(globals) => GLOBALS.add(&mut self.globals, globals.count().into())?,
            Payload::DataSection(data) => SEGMENTS.add(&mut self.segments, data.count().into())?,
            Payload::ElementSection(segments) => {
                for segment in segments {
                    SEGMENTS.add(&mut self.segments, 1)?;
                    let elements = match segment?.items {
                        ElementItems::Functions(elements) => elements.count(),
                        ElementItems::Expressions(_, elements) => elements.count(),
                    };
                    ELEMENTS.add(&mut self.elements, elements.into())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn component_section(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    self.item()?;
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        let module = self.current.modules.get(module_index as usize).copied();
                        self.instantiate(module)?;
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    self.item()?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        let component = self.current.components.get(component_index as usize).copied();
                        self.current.size.instances += 1;
                        self.instantiate(component)?;
                    }
                }
            }
            Payload::CoreTypeSection(types) => {
                for ty in types {
                    self.core_type(&ty?)?;
                }
            }
            Payload::ComponentTypeSection(types) => {
                for ty in types {
                    self.component_type(&ty?)?;
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    self.item()?;
                    self.alias(&alias?);
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    self.item()?;
                    match import?.ty {
                        ComponentTypeRef::Module(_) => self.current.modules.push(None),
                        ComponentTypeRef::Component(_) => self.current.components.push(None),
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    self.item()?;
                    self.export(&export?);
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    function?;
                    self.item()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds all that one more instance of this brings.
    fn instantiate(&mut self, part: Option<Option<Size>>) -> Result<(), LoadError> {
        match part {
            Some(Some(size)) => {
                self.current.size.add(&size);
                self.current.size.check()
            }
            // How much that is depends on who instantiates this one.
            Some(None) => Err(LoadError::Compile(
                "it instantiates a module or component that it imports, which cannot be counted; build it in"
                    .to_owned(),
            )),
            // A number that means nothing, as the compiler will say.
            None => Ok(()),
        }
    }

    /// What is exported can be named by a further number from then on.
    fn export(&mut self, export: &ComponentExport<'_>) {
        let Open { modules, components, .. } = &mut self.current;
        let index = export.index as usize;
        match export.kind {
            ComponentExternalKind::Module => modules.push(modules.get(index).copied().flatten()),
            ComponentExternalKind::Component => components.push(components.get(index).copied().flatten()),
            _ => {}
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => {
                self.current.modules.push(None);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.current.components.push(None);
            }
            ComponentAlias::Outer { kind, count, index } => {
                let outer = match *count as usize {
                    0 => Some(&self.current),
                    count => self.outer.len().checked_sub(count).map(|outer| &self.outer[outer]),
                };
                let find = |parts: fn(&Open) -> &Vec<Option<Size>>| {
                    outer.and_then(|outer| parts(outer).get(*index as usize).copied().flatten())
                };
                match kind {
                    ComponentOuterAliasKind::CoreModule => {
                        let module = find(|open| &open.modules);
                        self.current.modules.push(module);
                    }
                    ComponentOuterAliasKind::Component => {
                        let component = find(|open| &open.components);
                        self.current.components.push(component);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn core_types(&mut self, group: &RecGroup) -> Result<(), LoadError> {
        for ty in group.types() {
            TYPES.add(&mut self.types, 1)?;
            let arity = match &ty.composite_type.inner {
                CompositeInnerType::Func(ty) => (ty.params().len() + ty.results().len()) as u64,
                _ => 0,
            };
            ARITY.check(arity)?;
            self.current.arities.push(arity);
        }
        Ok(())
    }

    fn core_type(&mut self, ty: &CoreType<'_>) -> Result<(), LoadError> {
        match ty {
            CoreType::Rec(group) => TYPES.add(&mut self.types, group.types().len() as u64),
            CoreType::Module(declarations) => TYPES.add(&mut self.types, 1 + declarations.len() as u64),
        }
    }

    /// Its parts, one inside of the other; how deep they go is checked before.
    fn component_type(&mut self, ty: &ComponentType<'_>) -> Result<(), LoadError> {
        TYPES.add(&mut self.types, 1)?;
        match ty {
            ComponentType::Component(declarations) => {
                for declaration in declarations {
                    match declaration {
                        ComponentTypeDeclaration::CoreType(ty) => self.core_type(ty)?,
                        ComponentTypeDeclaration::Type(ty) => self.component_type(ty)?,
                        _ => TYPES.add(&mut self.types, 1)?,
                    }
                }
            }
            ComponentType::Instance(declarations) => {
                for declaration in declarations {
                    match declaration {
                        InstanceTypeDeclaration::CoreType(ty) => self.core_type(ty)?,
                        InstanceTypeDeclaration::Type(ty) => self.component_type(ty)?,
                        _ => TYPES.add(&mut self.types, 1)?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn arity(&mut self, ty: u32) -> u64 {
        self.current.arities.get(ty as usize).copied().unwrap_or_default()
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), LoadError> {
        BODY.check(body.as_bytes().len() as u64)?;
        let (mut locals, mut blocks, mut nested, mut targets, mut table_operations) = (0, 0, 0u64, 0, 0);
        for group in body.get_locals_reader()? {
            LOCALS.add(&mut locals, group?.0.into())?;
        }
        ALL_LOCALS.add(&mut self.locals, locals)?;
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    BLOCKS.add(&mut blocks, 1)?;
                    NESTING.add(&mut nested, 1)?;
                }
                Operator::End => nested = nested.saturating_sub(1),
                Operator::BrTable { targets: table } => TARGETS.add(&mut targets, table.len().into())?,
                Operator::TableGet { .. }
                | Operator::TableSet { .. }
                | Operator::TableInit { .. }
                | Operator::TableCopy { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. } => TABLE_OPERATIONS.add(&mut table_operations, 1)?,
                _ => {}
            }
        }
        WAYS.add(&mut self.ways, locals.saturating_mul(blocks))
    }
}
